/*
 * verbs.h - the verbs of adaptcache, one per file
 *
 * Each is called as main() is, argv[0] being the verb, and returns an exit
 * status: 0; 1, it did not work; 2, bad usage.  What went wrong is one line on
 * stderr.
 */
#pragma once

int verb_bench(int argc, char **argv);
int verb_info(int argc, char **argv);
int verb_pack(int argc, char **argv);
int verb_profile(int argc, char **argv);
int verb_status(int argc, char **argv);
int verb_trace(int argc, char **argv);
int verb_unpack(int argc, char **argv);
