/* test_weight.c - directories weigh what is below them, whatever is moved */
#include <fcntl.h>
#include <stdio.h>

#include "fs/store/walk.h"
#include "fs/store/weight.h"
#include "run.h"

enum { N_DIRS = 6, N_FILES = 20, N_STEPS = 4000 };

static struct tree tree;
static struct node *dirs[N_DIRS], *files[N_FILES];
static uint64_t seed;

static unsigned random_below(unsigned n)
{
	return run_random(&seed) % n;
}

static struct node *test_node(uint64_t ino, mode_t type)
{
	struct stat st = { .st_ino = ino, .st_mode = type | 0600 };

	return tree_add(&tree, &st);
}

/* Directory i has a name in one with a smaller number, or in the root. */
static struct node *test_parent(unsigned i)
{
	unsigned p = random_below(i + 1);

	return p ? dirs[p - 1] : tree.root;
}

static void test_setup(void)
{
	char name[8];

	seed = 1;
	ck_assert_int_eq(tree_init(&tree, open("/", O_PATH | O_DIRECTORY)), 0);
	for (unsigned i = 0; i < N_DIRS; i++) {
		dirs[i] = test_node((1ull << 40) + i, S_IFDIR);
		snprintf(name, sizeof(name), "d%u", i);
		tree_link(&tree, dirs[i], test_parent(i), name);
	}
	for (unsigned i = 0; i < N_FILES; i++)
		files[i] = test_node((1ull << 41) + i, S_IFREG);
}

static void test_teardown(void)
{
	for (unsigned i = 0; i < N_DIRS; i++)
		node_put(&tree, dirs[i]);
	for (unsigned i = 0; i < N_FILES; i++)
		node_put(&tree, files[i]);
	ck_assert_uint_eq(tree.n_nodes, 1);
	ck_assert_uint_eq(tree.root->below, 0);
	ck_assert_uint_eq(tree.pinned_bytes, 0);
	ck_assert_ptr_null(tree.root->kids);
	tree_done(&tree);
}

/* The name changes its directory, comes, or goes. */
static void test_step(unsigned step)
{
	struct node *f = files[random_below(N_FILES)], *d;
	unsigned i = random_below(N_DIRS);
	char name[8];

	switch (step % 5) {
	case 0: /* one name more, among a few */
		snprintf(name, sizeof(name), "n%u", random_below(3));
		tree_link(&tree, f, dirs[i], name);
		break;
	case 1:
		snprintf(name, sizeof(name), "n%u", random_below(3));
		tree_unlink(&tree, f, dirs[i], name);
		break;
	case 2:
		weight_set(&tree, f, random_below(1000), random_below(10));
		break;
	case 3:
		weight_pin(&tree, random_below(2) ? f : dirs[i],
			   random_below(3));
		break;
	default:
		d = dirs[i];
		snprintf(name, sizeof(name), "d%u", i);
		tree_unlink(&tree, d, weight_dir(d), name);
		tree_link(&tree, d, test_parent(i), name);
	}
}

/* The same, counted file by file. */
static void test_check(void)
{
	uint64_t below[N_DIRS] = { 0 }, root = 0, pinned = 0;

	for (unsigned f = 0; f < N_FILES; f++) {
		if (!files[f]->links)
			continue;
		root += weight_of(files[f]);
		pinned += weight_is_pinned(files[f]) * weight_of(files[f]);
		for (struct node *d = weight_dir(files[f]); d;
		     d = weight_dir(d))
			for (unsigned i = 0; i < N_DIRS; i++)
				if (dirs[i] == d)
					below[i] += weight_of(files[f]);
	}
	ck_assert_uint_eq(tree.root->below, root);
	ck_assert_uint_eq(tree.pinned_bytes, pinned);
	for (unsigned i = 0; i < N_DIRS; i++)
		ck_assert_uint_eq(dirs[i]->below, below[i]);
}

START_TEST(sums_follow_every_move)
{
	for (unsigned step = 0; step < N_STEPS; step++) {
		test_step(run_random(&seed));
		test_check();
	}
}
END_TEST

START_TEST(a_walk_meets_each_file_once)
{
	struct walk w;
	unsigned named = 0;

	for (unsigned step = 0; step < N_STEPS; step++)
		test_step(run_random(&seed));
	for (unsigned f = 0; f < N_FILES; f++)
		named += files[f]->links != NULL;
	ck_assert_int_eq(walk_files(&tree, tree.root, &w), 0);
	ck_assert_uint_eq(w.n, named);
	for (size_t i = 0; i < w.n; i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_ptr_ne(w.node[i], w.node[j]);
	walk_done(&tree, &w);
	ck_assert_int_eq(walk_files(&tree, files[0], &w), 0);
	ck_assert_uint_eq(w.n, 1);
	walk_done(&tree, &w);
}
END_TEST

START_TEST(the_nearest_full_directory_is_in_the_way)
{
	struct node *out = test_node(1ull << 42, S_IFDIR);
	struct node *in = test_node((1ull << 42) + 1, S_IFDIR);

	tree_link(&tree, out, tree.root, "out");
	tree_link(&tree, in, out, "in");
	tree_link(&tree, files[0], in, "f");
	tree_link(&tree, files[1], tree.root, "g");
	weight_set(&tree, files[0], 10, 0);
	weight_set(&tree, files[1], 5, 0);
	ck_assert_ptr_null(weight_over(files[0], UINT64_MAX));
	out->quota = 12;
	ck_assert_ptr_null(weight_over(files[0], 2));
	ck_assert_ptr_eq(weight_over(files[0], 3), out);
	ck_assert_ptr_eq(weight_over(files[0], UINT64_MAX), out);
	in->quota = 11;
	ck_assert_ptr_eq(weight_over(files[0], 2), in);
	ck_assert_ptr_null(weight_over(files[0], 0));
	ck_assert_ptr_null(weight_over(files[1], 100));
	ck_assert_ptr_eq(weight_over_moved(files[1], in), in);
	ck_assert_ptr_eq(weight_over_moved(files[1], out), out);
	ck_assert_ptr_null(weight_over_moved(files[0], out));
	ck_assert_ptr_null(weight_over_moved(files[0], in));
	out->quota = in->quota = 0;
	node_put(&tree, out);
	node_put(&tree, in);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("weight");
	TCase *tc = tcase_create("weight");

	tcase_add_checked_fixture(tc, test_setup, test_teardown);
	tcase_add_test(tc, sums_follow_every_move);
	tcase_add_test(tc, a_walk_meets_each_file_once);
	tcase_add_test(tc, the_nearest_full_directory_is_in_the_way);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
