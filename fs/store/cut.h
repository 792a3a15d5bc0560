/*
 * cut.h - a file's bytes to the extents of a container's head
 */
#pragma once

#include "codec/head.h"
#include "codec/layout/layout.h"

/*
 * Recognises the layout and sets h->layout, extents and n_extents so that they
 * cover the file, tensors as tensors and the rest as opaque bytes; h's
 * logical_size is the source's.  The caller owns them by head_done.  Returns 0,
 * -ENOMEM, or what reading said.
 */
int cut_extents(const struct source *src, struct head *h);
