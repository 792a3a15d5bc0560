/*
 * control.h - the virtual files of .kv: made when they are opened
 */
#pragma once

#include "fs/fs.h"

/* Answers for `name` in the root (".kv") or in .kv; false: not ours. */
bool control_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);

/* The rest of the requests, for ids that fs_is_virtual. */
void control_getattr(fuse_req_t req, fuse_ino_t ino);
void control_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void control_read(fuse_req_t req, size_t size, off_t off,
		  struct fuse_file_info *fi);
/* Each write is a whole change: lines as config.h says. */
void control_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t len);
/* Truncating what may be written changes nothing; the rest is refused. */
void control_setattr(fuse_req_t req, fuse_ino_t ino, int to_set);
void control_release(fuse_req_t req, struct fuse_file_info *fi);
void control_readdir(fuse_req_t req, size_t size, off_t off, bool plus);
