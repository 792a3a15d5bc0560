/* test_store_layers.c - entries whose owner accepts a loss: layers and cuts */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "fs/store/entry.h"
#include "fs/store/move.h"
#include "fs/store/mover.h"
#include "fs/store/rate.h"
#include "layered.h"
#include "policy/damage.h"
#include "run.h"

#define FLOOR 0.03

START_TEST(exact_until_it_is_cut)
{
	struct kit k;

	kit_init_floor(&k, FLOOR, "lru");
	ck_assert_int_eq(kit_put(k.store, "a", bytes, len), 0);
	store_drain(k.store);
	ck_assert(read_back(&k, "a") == 0);
	kit_close(&k);
	kit_open(&k);
	ck_assert(read_back(&k, "a") == 0);
	kit_done(&k);
}
END_TEST

START_TEST(each_cut_is_smaller_coarser_and_kept)
{
	struct kit k;
	double before = 0;

	kit_init_floor(&k, 10, "lru");
	ck_assert_int_eq(kit_put(k.store, "a", bytes, len), 0);
	store_drain(k.store);
	struct node *n = node_of(&k, "a");
	uint64_t was = stored(&k, "a");

	for (unsigned layers = N_LAYERS - 1; layers >= 1; layers--) {
		if (layers == LAYER_WINDOW + 1)
			continue; /* it has none */
		ck_assert(move_cut(k.store, n, layers));
		ck_assert_uint_lt(stored(&k, "a"), was);
		was = stored(&k, "a");
		double d = read_back(&k, "a");
		ck_assert_msg(d > before, "%u layers: %g, %g", layers, d,
			      before);
		before = d;
	}
	store_forget(k.store, n, 1);
	kit_close(&k);
	kit_open(&k);
	ck_assert(read_back(&k, "a") == before);
	ck_assert_uint_eq(kit_count(&k, ".quarantine"), 0);
	kit_done(&k);
}
END_TEST

START_TEST(never_below_the_floor)
{
	struct kit k;

	kit_init_floor(&k, FLOOR, "lru");
	ck_assert_int_eq(kit_put(k.store, "a", bytes, len), 0);
	store_drain(k.store);
	struct node *n = node_of(&k, "a");

	ck_assert(!move_cut(k.store, n, 1));
	ck_assert(!move_cut(k.store, n, 0));
	ck_assert(read_back(&k, "a") == 0);
	ck_assert(
	    move_cut(k.store, n, AT_BASE)); /* the base step was made for it */
	ck_assert(read_back(&k, "a") > 0);
	store_forget(k.store, n, 1);
	kit_done(&k);
}
END_TEST

START_TEST(exact_owners_lose_nothing)
{
	struct kit k;

	kit_init_floor(&k, 0, "lru");
	ck_assert_int_eq(kit_put(k.store, "a", bytes, len), 0);
	store_drain(k.store);
	struct node *n = node_of(&k, "a");

	for (unsigned layers = 0; layers < N_LAYERS; layers++)
		ck_assert(!move_cut(k.store, n, layers));
	ck_assert(read_back(&k, "a") == 0);
	store_forget(k.store, n, 1);
	kit_done(&k);
}
END_TEST

static int cut_error;

static int cut_fails(int fd, uint64_t length)
{
	return cut_error ? cut_error : io_real.cut(fd, length);
}

START_TEST(a_cut_that_fails_changes_nothing)
{
	struct kit k;
	struct io io = io_real;

	io.cut = cut_fails;
	kit_init_closed(&k);
	k.options.floor_nats = FLOOR;
	k.options.io = &io;
	kit_open(&k);
	ck_assert_int_eq(kit_put(k.store, "a", bytes, len), 0);
	store_drain(k.store);
	struct node *n = node_of(&k, "a");
	cut_error = -EIO;
	ck_assert(!move_cut(k.store, n, AT_BASE));
	ck_assert(read_back(&k, "a") == 0);
	cut_error = 0;
	ck_assert(move_cut(k.store, n, AT_BASE));
	ck_assert(read_back(&k, "a") > 0);
	store_forget(k.store, n, 1);
	kit_done(&k);
}
END_TEST

/* The owner has second thoughts: what was lost is a miss. */
START_TEST(a_raised_floor_makes_it_a_miss)
{
	struct kit k;

	kit_init_floor(&k, FLOOR, "lru");
	ck_assert_int_eq(kit_put(k.store, "a", bytes, len), 0);
	ck_assert_int_eq(kit_put(k.store, "b", bytes, len), 0);
	store_drain(k.store);
	struct node *n = node_of(&k, "a");
	ck_assert(move_cut(k.store, n, AT_BASE));
	store_forget(k.store, n, 1);
	kit_close(&k);

	k.options.floor_nats = 0;
	kit_open(&k);
	uint8_t *got;
	size_t got_len;
	ck_assert_int_lt(kit_get(k.store, "a", &got, &got_len), 0);
	kit_expect_none(k.store, "a");
	ck_assert(read_back(&k, "b") == 0);
	kit_done(&k);
}
END_TEST

START_TEST(an_open_handle_keeps_what_it_opened)
{
	struct kit k;
	struct handle *h;

	kit_init_floor(&k, FLOOR, "lru");
	ck_assert_int_eq(kit_put(k.store, "a", bytes, len), 0);
	store_drain(k.store);
	struct node *n = node_of(&k, "a");
	ck_assert_int_eq(kit_file(k.store, "a", O_RDONLY, &h), 0);
	ck_assert(!move_cut(k.store, n, N_LAYERS - 1));
	kit_expect_read(k.store, h, 0, bytes, len);
	store_release(k.store, h);
	ck_assert(move_cut(k.store, n, N_LAYERS - 1));
	store_forget(k.store, n, 1);
	kit_done(&k);
}
END_TEST

/* What was lost is not forgotten by writing the rest anew. */
START_TEST(a_copy_of_what_was_cut_counts_what_it_lost)
{
	struct kit k;
	struct handle *h;

	kit_init_floor(&k, FLOOR, "lru");
	ck_assert_int_eq(kit_put(k.store, "a", bytes, len), 0);
	store_drain(k.store);
	struct node *n = node_of(&k, "a");
	ck_assert(move_cut(k.store, n, AT_BASE));
	double d = read_back(&k, "a");
	ck_assert_int_eq(kit_file(k.store, "a", O_RDWR, &h), 0);
	ck_assert_int_eq(store_write(k.store, h, 0, bytes, 8), 0);
	ck_assert_int_eq(store_sync(k.store, h), 0);
	store_release(k.store, h);
	ck_assert(read_back(&k, "a") == d);
	store_forget(k.store, n, 1);
	kit_close(&k);

	k.options.floor_nats = 0;
	kit_open(&k);
	uint8_t *got;
	size_t got_len;
	ck_assert_int_lt(kit_get(k.store, "a", &got, &got_len), 0);
	kit_done(&k);
}
END_TEST

/* _i: layers in DRAM, the others on the backing. */
START_TEST(layers_are_read_from_wherever_they_are)
{
	struct kit k;
	struct place to = { .top = N_RUNGS, .ram = (uint8_t)_i };
	struct entry *e;

	kit_init_floor(&k, FLOOR, "lru");
	ck_assert_int_eq(kit_put(k.store, "a", bytes, len), 0);
	store_drain(k.store);
	struct node *n = node_of(&k, "a");
	ck_assert(move_demote(k.store, n, &to));
	mover_tell(k.store, n);
	ck_assert_int_eq(entry_get(k.store, n, &e), 0);
	/* Without a window, what has the head has that, too. */
	ck_assert_uint_eq(container_image_layers(e->cont),
			  _i == LAYER_WINDOW + 1 ? 1u : (unsigned)_i);
	ck_assert(read_back(&k, "a") == 0);
	move_promote(e, N_LAYERS - 1);
	store_drain(k.store);
	ck_assert_uint_eq(container_image_layers(e->cont),
			  _i == N_LAYERS ? N_LAYERS : N_LAYERS - 1);
	ck_assert(move_demote(k.store, n, &to));
	ck_assert(read_back(&k, "a") == 0);
	entry_put(e);
	store_forget(k.store, n, 1);
	kit_done(&k);
}
END_TEST

/* _i: a policy of one rate cuts on arrival to its rate, or to the floor. */
START_TEST(a_policy_of_one_rate_cuts_on_arrival)
{
	static const struct {
		const char *policy;
		double floor;
		unsigned layers;
	} rows[] = {
		{ "lru-exact", 10, 6 },    { "lru-refine2", 10, 5 },
		{ "lru-refine1", 10, 4 },  { "lru-base", 10, 3 },
		{ "lru-base", 0, 6 },      { "lru-low", FLOOR, 3 },
		{ "gdsf-refine1", 10, 4 },
	};
	struct kit k;

	kit_init_floor(&k, rows[_i].floor, rows[_i].policy);
	ck_assert_int_eq(kit_put(k.store, "a", bytes, len), 0);
	store_drain(k.store);
	struct node *n = node_of(&k, "a");
	ck_assert_uint_eq(n->layers, rows[_i].layers);
	ck_assert((read_back(&k, "a") > 0) == (rows[_i].layers < N_LAYERS));
	store_forget(k.store, n, 1);
	kit_done(&k);
}
END_TEST

/* Under pressure everything stays, at a coarser rate. */
START_TEST(a_full_backing_cuts_before_it_evicts)
{
	struct kit k;
	char name[16];
	unsigned there = 0;

	kit_init_closed(&k);
	k.options.floor_nats = FLOOR;
	k.options.policy = policy_find("adapt");
	k.options.size = 10u << 20;
	kit_open(&k);
	for (unsigned i = 0; i < 16; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		ck_assert_int_eq(kit_put(k.store, name, bytes, len), 0);
		store_drain(k.store);
	}
	for (unsigned i = 0; i < 16; i++) {
		struct stat st;

		snprintf(name, sizeof(name), "f%u", i);
		there += kit_stat(k.store, name, &st) == 0;
	}
	ck_assert_uint_ge(there, 15); /* exact, 12 would fit */
	ck_assert(kit_stat_line(k.store, "cut") > 0);
	ck_assert(kit_stat_line(k.store, "disk_used_bytes") <=
		  (double)k.options.size);
	kit_done(&k);
}
END_TEST

START_TEST(steps_land_on_the_floor)
{
	const struct damage *d = &DAMAGE_DEFAULT;

	ck_assert(rate_step(d, 0) == 0);
	for (double nats = 1e-5; nats < 1; nats *= 1.3) {
		double step = (double)rate_step(d, nats);

		ck_assert(step >= 0.25 && step <= 2);
	}
	ck_assert(rate_step(d, 0.03) > rate_step(d, 0.01));
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("layers");
	Suite *s = suite_create("store_layers");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, exact_until_it_is_cut);
	tcase_add_test(t, each_cut_is_smaller_coarser_and_kept);
	tcase_add_test(t, never_below_the_floor);
	tcase_add_test(t, exact_owners_lose_nothing);
	tcase_add_test(t, a_cut_that_fails_changes_nothing);
	tcase_add_test(t, a_raised_floor_makes_it_a_miss);
	tcase_add_test(t, an_open_handle_keeps_what_it_opened);
	tcase_add_test(t, a_copy_of_what_was_cut_counts_what_it_lost);
	tcase_add_loop_test(t, layers_are_read_from_wherever_they_are, 0,
			    N_LAYERS + 1);
	tcase_add_loop_test(t, a_policy_of_one_rate_cuts_on_arrival, 0, 7);
	tcase_add_test(t, a_full_backing_cuts_before_it_evicts);
	tcase_add_test(t, steps_land_on_the_floor);
	suite_add_tcase(s, t);
	return run_suite(s);
}
