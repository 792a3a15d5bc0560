/*
 * quarantine.h - what does not verify, or was never finished, leaves the tree
 */
#pragma once

struct node;
struct store;

/*
 * Takes the node's names away.  error is why: -ENODATA removes a place whose
 * bytes were never published; anything else moves the file to .quarantine/,
 * counts it and logs a line.  Does nothing when the node is in use again.
 */
void quarantine_node(struct store *s, struct node *n, int error);
