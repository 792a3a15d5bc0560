/* test_tree.c - nodes are found, named, renamed and let go */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "fs/store/short_name.h"
#include "fs/store/tree.h"
#include "run.h"

enum { N_NODES = 5000 }; /* more than the table begins with */

static void test_init(struct tree *t)
{
	ck_assert_int_eq(tree_init(t, open("/", O_PATH | O_DIRECTORY)), 0);
}

static struct node *test_add(struct tree *t, uint64_t ino, mode_t type)
{
	struct stat st = { .st_ino = ino, .st_mode = type | 0600 };
	struct node *n = tree_add(t, &st);

	ck_assert_ptr_nonnull(n);
	return n;
}

START_TEST(one_node_stands_for_an_inode)
{
	struct tree t;

	test_init(&t);
	struct node *n = test_add(&t, 1ull << 40, S_IFREG);
	ck_assert_ptr_eq(test_add(&t, 1ull << 40, S_IFREG), n);
	ck_assert_uint_eq(n->refs, 2);
	ck_assert_ptr_eq(tree_find(&t, 1ull << 40, S_IFREG), n);
	for (int i = 0; i < 3; i++)
		node_put(&t, n);
	ck_assert_ptr_null(tree_find(&t, 1ull << 40, S_IFREG));
	ck_assert_uint_eq(t.n_nodes, 1); /* the root */
	node_put(&t, NULL);
	tree_done(&t);
}
END_TEST

START_TEST(a_reused_inode_is_another_node)
{
	struct tree t;

	test_init(&t);
	struct node *file = test_add(&t, 1ull << 40, S_IFREG);
	struct node *dir = test_add(&t, 1ull << 40, S_IFDIR);
	ck_assert_ptr_ne(file, dir);
	ck_assert(file->gone);
	node_put(&t, file);
	ck_assert_ptr_eq(tree_find(&t, 1ull << 40, S_IFDIR), dir);
	node_put(&t, dir);
	node_put(&t, dir);
	tree_done(&t);
}
END_TEST

START_TEST(what_the_kernel_remembers_stays)
{
	struct tree t;

	test_init(&t);
	struct node *n = test_add(&t, 1ull << 40, S_IFREG);
	node_remember(&t, n);
	node_remember(&t, n);
	node_put(&t, n);
	node_forget(&t, n, 1);
	struct node *again = tree_find(&t, 1ull << 40, S_IFREG);
	ck_assert_ptr_eq(again, n);
	node_forget(&t, n, 100); /* more than it was told of */
	node_put(&t, n);
	ck_assert_uint_eq(t.n_nodes, 1);
	tree_done(&t);
}
END_TEST

START_TEST(the_table_grows)
{
	struct tree t;
	static struct node *all[N_NODES];

	test_init(&t);
	for (unsigned i = 0; i < N_NODES; i++)
		all[i] = test_add(&t, (1ull << 40) + i, S_IFREG);
	ck_assert_uint_ge(2 * t.n_buckets, N_NODES);
	for (unsigned i = 0; i < N_NODES; i++) {
		struct node *n = tree_find(&t, (1ull << 40) + i, S_IFREG);

		ck_assert_ptr_eq(n, all[i]);
		node_put(&t, n);
		node_put(&t, n);
	}
	ck_assert_uint_eq(t.n_nodes, 1);
	tree_done(&t);
}
END_TEST

START_TEST(a_published_node_has_its_new_inode)
{
	struct tree t;

	test_init(&t);
	struct node *n = test_add(&t, 1ull << 40, S_IFREG);
	tree_rekey(&t, n, 1ull << 41);
	ck_assert_ptr_null(tree_find(&t, 1ull << 40, S_IFREG));
	ck_assert_ptr_eq(tree_find(&t, 1ull << 41, S_IFREG), n);
	tree_unhash(&t, n);
	ck_assert(n->gone);
	ck_assert_ptr_null(tree_find(&t, 1ull << 41, S_IFREG));
	node_put(&t, n);
	node_put(&t, n);
	tree_done(&t);
}
END_TEST

START_TEST(names_are_noted_once_and_keep_their_directory)
{
	struct tree t;
	struct spot at;

	test_init(&t);
	struct node *dir = test_add(&t, 1ull << 40, S_IFDIR);
	struct node *n = test_add(&t, 1ull << 41, S_IFREG);
	ck_assert_int_eq(tree_spot(&t, n, 0, &at), -ESTALE);
	ck_assert_int_eq(tree_link(&t, n, dir, "a"), 0);
	ck_assert_int_eq(tree_link(&t, n, dir, "a"), 0);
	ck_assert_int_eq(tree_link(&t, n, dir, "b"), 0);
	ck_assert_int_eq(tree_spot(&t, n, 2, &at), -ESTALE);
	ck_assert_int_eq(tree_spot(&t, n, 1, &at), 0);
	ck_assert_str_eq(at.name, "b");
	ck_assert_ptr_eq(at.dir, dir);
	tree_unlink(&t, n, dir, "b");
	tree_unlink(&t, n, dir, "no such");
	node_put(&t, dir); /* a and at hold it */
	spot_done(&t, &at);
	ck_assert_int_eq(tree_spot(&t, n, 0, &at), 0);
	ck_assert_str_eq(at.name, "a");
	spot_done(&t, &at);
	node_put(&t, n); /* with it its names, and the directory */
	ck_assert_uint_eq(t.n_nodes, 1);
	tree_done(&t);
}
END_TEST

/* _i: the order in which two directories were named. */
START_TEST(a_node_in_two_directories_lets_both_go)
{
	struct tree t;

	test_init(&t);
	struct node *dir[2] = { test_add(&t, 1ull << 40, S_IFDIR),
				test_add(&t, 1ull << 42, S_IFDIR) };
	struct node *n = test_add(&t, 1ull << 41, S_IFREG);
	ck_assert_int_eq(tree_link(&t, n, dir[_i], "a"), 0);
	ck_assert_int_eq(tree_link(&t, n, dir[!_i], "b"), 0);
	node_put(&t, dir[0]);
	node_put(&t, dir[1]);
	node_put(&t, n);
	ck_assert_uint_eq(t.n_nodes, 1);
	tree_done(&t);
}
END_TEST

static char long_name[SHORT_NAME_MOST + 1];

static const struct {
	const char *name;
	size_t len; /* packed */
} NAMES[] = {
	{ "", 3 },
	{ "a", 4 },
	{ "ab", 4 },
	{ "abc", 5 },
	{ "Ab", 5 }, /* case is kept */
	{ "xyz", 6 },
	{ "\xff\x01/\x7f", 7 },
	{ "x0123456789abcdef-00.kv", 2 + 1 + 8 + 6 + 1 },
	{ "0123@0123456789@01", 2 + 5 + 5 + 3 + 1 },
	{ "00000000000000000000000000000000", 2 + 16 + 1 },
	{ long_name, 2 + SHORT_NAME_MOST / 2 + 2 },
};
enum { N_NAMES = sizeof(NAMES) / sizeof(NAMES[0]) };

START_TEST(a_packed_name_comes_back_and_is_no_other)
{
	struct short_name packed[N_NAMES];
	char name[SHORT_NAME_MOST + 1];

	memset(long_name, 'f', SHORT_NAME_MOST);
	for (int i = 0; i < N_NAMES; i++) {
		short_name_pack(NAMES[i].name, &packed[i]);
		ck_assert_uint_eq(packed[i].len, NAMES[i].len);
		short_name_unpack(packed[i].bytes, name);
		ck_assert_str_eq(name, NAMES[i].name);
	}
	for (int i = 0; i < N_NAMES; i++)
		for (int k = 0; k < N_NAMES; k++)
			ck_assert_int_eq(
			    short_name_is(&packed[i], packed[k].bytes), i == k);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tree");
	TCase *tc = tcase_create("tree");

	tcase_add_test(tc, one_node_stands_for_an_inode);
	tcase_add_test(tc, a_reused_inode_is_another_node);
	tcase_add_test(tc, what_the_kernel_remembers_stays);
	tcase_add_test(tc, the_table_grows);
	tcase_add_test(tc, a_published_node_has_its_new_inode);
	tcase_add_test(tc, names_are_noted_once_and_keep_their_directory);
	tcase_add_loop_test(tc, a_node_in_two_directories_lets_both_go, 0, 2);
	tcase_add_test(tc, a_packed_name_comes_back_and_is_no_other);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
