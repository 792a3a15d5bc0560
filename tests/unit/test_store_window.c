/* test_store_window.c - tokens that are dropped, where the task lets them go */
#include <fcntl.h>

#include "fs/store/entry.h"
#include "fs/store/move.h"
#include "fs/store/rate.h"
#include "fs/store/settings.h"
#include "layered.h"
#include "run.h"

#define AT_WINDOW   (LAYER_WINDOW + 1)
#define WINDOW_NATS 0.09 /* pays for half of the tokens, and a base */

static void set_task(struct kit *k, const char *task)
{
	ck_assert_int_eq(settings_set(k->store, store_root(k->store), "task",
				      task, strlen(task), 0),
			 0);
}

/* The file is there, packed for a task. */
static struct node *put_for(struct kit *k, const char *task, double floor_nats)
{
	kit_init_floor(k, floor_nats, "lru");
	set_task(k, task);
	ck_assert_int_eq(kit_put(k->store, "a", bytes, len), 0);
	store_drain(k->store);
	return node_of(k, "a");
}

/* Mean square of rows [from, to) of both tensors: of a, and of a - b. */
static void rows_squares(const uint8_t *a, const uint8_t *b, size_t from,
			 size_t to, double ret[2])
{
	ret[0] = ret[1] = 0;
	for (size_t t = 0; t < 2; t++)
		for (size_t i = from * COLS; i < to * COLS; i++) {
			size_t at = len - (2 - t) * TENSOR + 2 * i;
			double x = half(load16(a + at));
			double y = half(load16(b + at));

			ret[0] += x * x;
			ret[1] += (x - y) * (x - y);
		}
}

/* Sinks as they were, older rows at their means, recent ones at the base. */
static void expect_window(struct kit *k, const char *name)
{
	size_t row = 2 * COLS, first = len - 2 * TENSOR, n;
	double older[2], recent[2], base = 0;
	uint8_t *got;

	ck_assert_int_eq(kit_get(k->store, name, &got, &n), 0);
	ck_assert_uint_eq(n, len);
	ck_assert_mem_eq(got, bytes, first + 4 * row);
	for (size_t r = 5; r < ROWS / 4; r++) /* a tile has one mean */
		ck_assert_mem_eq(got + first + 4 * row, got + first + r * row,
				 row);
	rows_squares(bytes, got, 4, ROWS / 2, older);
	rows_squares(bytes, got, ROWS / 2, ROWS, recent);
	base = recent[1] / recent[0];
	ck_assert(base > 0 && base < 0.2);
	ck_assert_double_gt(older[1] / older[0], 2 * base);
	free(got);
}

START_TEST(a_task_may_let_old_tokens_go)
{
	struct kit k;
	struct node *n = put_for(&k, "continue", WINDOW_NATS);
	uint64_t was = stored(&k, "a");

	ck_assert(read_back(&k, "a") == 0);
	ck_assert(move_cut(k.store, n, AT_BASE));
	uint64_t base = stored(&k, "a");
	ck_assert_uint_lt(base, was);
	ck_assert(!move_cut(k.store, n, 1));
	ck_assert(move_cut(k.store, n, AT_WINDOW));
	/* half of the base of half of the tiles, and blocks */
	ck_assert_uint_lt(stored(&k, "a"), base * 2 / 3);
	expect_window(&k, "a");
	store_forget(k.store, n, 1);
	kit_close(&k);
	kit_open(&k);
	expect_window(&k, "a");
	ck_assert_uint_eq(kit_count(&k, ".quarantine"), 0);
	kit_done(&k);
}
END_TEST

START_TEST(every_cut_is_smaller_coarser_and_kept)
{
	struct kit k;
	struct node *n = put_for(&k, "continue", 10);
	uint64_t was = stored(&k, "a");
	double before = 0;

	for (unsigned layers = N_LAYERS - 1; layers >= 1; layers--) {
		ck_assert(move_cut(k.store, n, layers));
		ck_assert_uint_eq(n->layers, layers);
		ck_assert_uint_lt(stored(&k, "a"), was);
		was = stored(&k, "a");
		store_forget(k.store, n, 1);
		kit_close(&k);
		kit_open(&k);
		double d = read_back(&k, "a");
		ck_assert_double_gt(d, before);
		before = d;
		n = node_of(&k, "a");
	}
	store_forget(k.store, n, 1);
	kit_done(&k);
}
END_TEST

/* _i: no such word, no task, a floor that does not pay for it. */
START_TEST(nobody_else_loses_a_token)
{
	static const struct {
		const char *task;
		double floor;
	} rows[] = {
		{ "chat", WINDOW_NATS },
		{ "none", WINDOW_NATS },
		{ "continue", 0.005 },
	};
	struct kit k;
	struct node *n = put_for(&k, rows[_i].task, rows[_i].floor);
	struct entry *e;

	ck_assert_int_eq(entry_get(k.store, n, &e), 0);
	ck_assert_uint_eq(e->cont->head.section[LAYER_WINDOW].len, 0);
	entry_put(e);
	for (unsigned layers = 0; layers <= AT_WINDOW; layers++)
		ck_assert(!move_cut(k.store, n, layers));
	ck_assert(read_back(&k, "a") == 0);
	store_forget(k.store, n, 1);
	kit_done(&k);
}
END_TEST

/* The window is there, but by now nobody may be served from it. */
START_TEST(another_task_takes_the_window_back)
{
	struct kit k;
	struct node *n = put_for(&k, "continue", WINDOW_NATS);

	ck_assert_int_eq(kit_put(k.store, "b", bytes, len), 0);
	store_drain(k.store);
	ck_assert(move_cut(k.store, n, AT_WINDOW));
	store_forget(k.store, n, 1);
	set_task(&k, "chat");
	n = node_of(&k, "b");
	ck_assert(!move_cut(k.store, n, AT_WINDOW));
	ck_assert(move_cut(k.store, n, AT_BASE));
	store_forget(k.store, n, 1);
	kit_close(&k);

	kit_open(&k);
	uint8_t *got;
	size_t got_len;
	ck_assert_int_lt(kit_get(k.store, "a", &got, &got_len), 0);
	ck_assert(read_back(&k, "b") > 0);
	kit_done(&k);
}
END_TEST

/* What is written to after its tokens went counts what went, and is read. */
START_TEST(a_copy_of_a_window_counts_its_damage)
{
	struct kit k;
	struct node *n = put_for(&k, "continue", WINDOW_NATS);
	struct entry *e;
	struct handle *h;

	ck_assert(move_cut(k.store, n, AT_WINDOW));
	ck_assert_int_eq(kit_file(k.store, "a", O_RDWR, &h), 0);
	ck_assert_int_eq(store_write(k.store, h, 0, bytes, 8), 0);
	ck_assert_int_eq(store_sync(k.store, h), 0);
	store_release(k.store, h);
	expect_window(&k, "a");
	ck_assert_int_eq(entry_get(k.store, n, &e), 0);
	double nats = rate_nats(&DAMAGE_CONTINUE, &e->cont->head, N_LAYERS);
	ck_assert(nats > damage_dropped(&DAMAGE_CONTINUE, 0.5));
	ck_assert(nats <= WINDOW_NATS);
	entry_put(e);
	store_forget(k.store, n, 1);
	kit_done(&k);
}
END_TEST

/* _i: with a task that lets tokens go more fits, and all as it should be. */
START_TEST(pressure_cuts_to_the_window)
{
	struct kit k;
	char name[16];
	unsigned windows = 0, there = 0;

	kit_init_closed(&k);
	k.options.floor_nats = WINDOW_NATS;
	k.options.policy = policy_find("adapt");
	k.options.alpha = 0.01; /* else quicker to recompute */
	k.options.size = 4u << 20;
	kit_open(&k);
	set_task(&k, _i ? "continue" : "chat");
	for (unsigned i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		ck_assert_int_eq(kit_put(k.store, name, bytes, len), 0);
		store_drain(k.store);
	}
	for (unsigned i = 0; i < 40; i++) {
		struct stat st;

		snprintf(name, sizeof(name), "f%u", i);
		if (kit_stat(k.store, name, &st) < 0)
			continue;
		struct node *n = node_of(&k, name);
		there++;

		if (n->layers == AT_WINDOW) {
			windows++;
			expect_window(&k, name);
		}
		store_forget(k.store, n, 1);
	}
	ck_assert_uint_gt(there, _i ? 38 : 15);
	ck_assert((windows > 0) == _i);
	kit_done(&k);
}
END_TEST

START_TEST(a_step_is_left_beside_the_price)
{
	const struct damage *d = &DAMAGE_DEFAULT;

	ck_assert(rate_window_step(d, 10, 0.5) == 0);
	d = &DAMAGE_CONTINUE;
	ck_assert(rate_window_step(d, WINDOW_NATS, 0) == 0);
	ck_assert(rate_window_step(d, WINDOW_NATS, 0.5) > 0);
	ck_assert(rate_window_step(d, damage_dropped(d, 0.5), 0.5) == 0);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("window");
	Suite *s = suite_create("store_window");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_task_may_let_old_tokens_go);
	tcase_add_test(t, every_cut_is_smaller_coarser_and_kept);
	tcase_add_loop_test(t, nobody_else_loses_a_token, 0, 3);
	tcase_add_test(t, another_task_takes_the_window_back);
	tcase_add_test(t, a_copy_of_a_window_counts_its_damage);
	tcase_add_loop_test(t, pressure_cuts_to_the_window, 0, 2);
	tcase_add_test(t, a_step_is_left_beside_the_price);
	suite_add_tcase(s, t);
	return run_suite(s);
}
