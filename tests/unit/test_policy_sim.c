/* test_policy_sim.c - the simulator: traces it refuses, an LRU it agrees with
 */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/record.h"
#include "policy/registry.h"
#include "tools/sim_best.h"
#include "tools/sim_replay.h"
#include "tools/sim_run.h"

struct bad_line {
	const char *text;
	const char *reason;
};

static const struct bad_line BAD_LINES[] = {
	{ "hello", "not a JSON object" },
	{ "{\"timestamp\": 1}", "input_length is missing or below 1" },
	{ "{\"timestamp\": -1, \"input_length\": 5, \"hash_ids\": []}",
	  "timestamp is missing or below 0" },
	{ "{\"timestamp\": 9, \"input_length\": 5}", "hash_ids is missing" },
	{ "{\"timestamp\": 9, \"input_length\": 5, \"hash_ids\": [1, x]}",
	  "hash_ids is not a list of whole numbers, 0 or more" },
	{ "{\"timestamp\": 9, \"input_length\": 5, \"hash_ids\": [1 2]}",
	  "hash_ids is not a list of whole numbers, 0 or more" },
	{ "{\"timestamp\": 9, \"input_length\": 5, \"hash_ids\": [-1]}",
	  "hash_ids is not a list of whole numbers, 0 or more" },
	{ "{\"timestamp\": \"a\"}", "a value is not a number" },
	{ "{\"timestamp\" 1}", "a ':' is missing" },
	{ "{timestamp: 1}", "a key in double quotes is missing" },
	{ "{\"timestamp\": 9, \"input_length\": 5, \"hash_ids\": [1]",
	  "the object does not end in '}'" },
	{ "{\"timestamp\": 9, \"input_length\": 5, \"hash_ids\": [1]} x",
	  "there is something after the object" },
	{ "{\"timestamp\": 1, \"input_length\": 5, \"hash_ids\": [1]}",
	  "timestamp is before that of an earlier line" },
};

enum { N_BAD_LINES = sizeof BAD_LINES / sizeof *BAD_LINES };

START_TEST(bad_lines_are_named_with_their_place)
{
	char path[] = "/tmp/test_policy_sim_XXXXXX";
	const struct bad_line *bad = &BAD_LINES[_i];
	struct sim_load load = { 0 };
	char *said = NULL, want[256];
	size_t len;

	FILE *f = fdopen(mkstemp(path), "w");
	fprintf(f,
		"{\"timestamp\": 5, \"input_length\": 600, "
		"\"hash_ids\": [1, 2]}\n\n%s\n",
		bad->text);
	fclose(f);
	FILE *errors = open_memstream(&said, &len);
	ck_assert_int_eq(sim_load_trace(&load, path, errors), -EINVAL);
	fclose(errors);
	snprintf(want, sizeof want, "%s:3: %s\n", path, bad->reason);
	ck_assert_str_eq(said, want);
	free(said);
	unlink(path);
	sim_load_done(&load);
}
END_TEST

static const struct sim_zipf SHAPE = {
	.raw_bytes = 240e9,
	.n_requests = 4000,
	.arrivals_per_s = 1,
	.seed = 3,
};

static const struct sim_zipf DRIFT = {
	.raw_bytes = 240e9,
	.n_requests = 2000,
	.arrivals_per_s = 1,
	.n_swaps = 5,
	.seed = 9,
};

/* What an LRU over bytes of both tiers would have held: hits and misses. */
static double test_lru_misses(const struct sim_load *l, double limit_bytes)
{
	uint64_t *last = calloc(l->n_names, sizeof *last), clock = 0;
	bool *held = calloc(l->n_names, sizeof *held);
	bool *seen = calloc(l->n_names, sizeof *seen);
	double bytes = 0, misses = 0, counted = 0;

	for (size_t i = 0; i < l->n_refs; i++) {
		uint32_t name = l->refs[i];

		counted += seen[name];
		misses += seen[name] && !held[name];
		if (!held[name])
			bytes += l->names[name].raw_bytes;
		held[name] = seen[name] = true;
		last[name] = ++clock;
		while (bytes > limit_bytes) {
			size_t oldest = name;

			for (size_t k = 0; k < l->n_names; k++)
				if (held[k] && last[k] < last[oldest])
					oldest = k;
			held[oldest] = false;
			bytes -= l->names[oldest].raw_bytes;
		}
	}
	free(last);
	free(held);
	free(seen);
	return misses / counted;
}

static struct sim_setup test_setup(const char *name, double ram, double ssd)
{
	return (struct sim_setup){
		.name = name,
		.policy = policy_find(name),
		.ladder = sim_ladder_find("ours"),
		.world = world_default((uint64_t)ram, (uint64_t)ssd),
		.ghosts = true,
	};
}

START_TEST(lru_misses_as_an_independent_lru)
{
	struct sim_setup setup = test_setup("lru-raw", 20e9, 80e9);
	struct sim_load load = { 0 };
	struct sim_result r;

	ck_assert_int_eq(sim_load_zipf(&load, &SHAPE), 0);
	ck_assert_int_eq(sim_run(&load, &setup, &r), 0);
	/* Entries differ in size, so the tiers' ends fit a little less. */
	ck_assert_double_eq_tol(r.miss_share, test_lru_misses(&load, 100e9),
				.01);
	sim_load_done(&load);
}
END_TEST

START_TEST(nobody_beats_the_clairvoyant)
{
	const struct policy *p = policy_at((unsigned)_i);
	struct sim_setup setup = test_setup(p->name, 20e9, 80e9);
	struct sim_load load = { 0 };
	struct sim_result r, again, bound;

	ck_assert_int_eq(sim_load_zipf(&load, &DRIFT), 0);
	ck_assert_int_eq(sim_run(&load, &setup, &r), 0);
	ck_assert_int_eq(sim_run(&load, &setup, &again), 0);
	ck_assert_int_eq(sim_clairvoyant(&load, &setup, &bound), 0);
	ck_assert_double_ge(r.cost_s, bound.cost_s);
	ck_assert_double_eq(r.cost_s, again.cost_s);
	ck_assert_uint_eq(r.n_counted, bound.n_counted);
	ck_assert_double_eq_tol(
	    r.ram_share + r.ssd_share + r.slow_share + r.miss_share, 1, 1e-9);
	sim_load_done(&load);
}
END_TEST

enum { N_RECORDED = 64 };

static void test_write(FILE *f, const struct record *r)
{
	char line[RECORD_LINE];
	size_t len;

	ck_assert_int_eq(record_format(r, line, sizeof line, &len), 0);
	fwrite(line, 1, len, f);
}

/* One use of an entry, its press and tick, as a mount would record them. */
static void test_record_use(FILE *f, const struct policy *p,
			    struct policy_run *run, struct policy_entry *all,
			    uint64_t id, double now_s)
{
	struct policy_entry *e = &all[id];
	struct record r = { .event = e->at.top ? 'H' : 'E',
			    .now_s = now_s,
			    .id = id };
	struct sim_setup setup = test_setup(p->name, 1, 1);
	struct sim_name name = { 64e6, .05, 2, 2, NULL };
	struct policy_answer a;
	struct policy_move m;

	r.facts = sim_facts(&setup, &name, id);
	if (e->at.top)
		p->hit(run, now_s, e, &a);
	else
		ck_assert_int_eq(p->enter(run, now_s, &r.facts, e, &a), 0);
	r.place = a.place;
	r.read_layers = a.read_layers;
	test_write(f, &r);

	r = (struct record){ .event = 'T', .now_s = now_s, .count = 16 };
	r.any = p->tick(run, now_s, 16);
	test_write(f, &r);
	do {
		r = (struct record){ .event = 'P', .now_s = now_s };
		r.any = p->press(run, now_s, &m);
		if (r.any) {
			r.id = (uint64_t)(m.entry - all);
			r.tier = (uint8_t)m.tier;
			r.place = m.to;
		}
		test_write(f, &r);
	} while (r.any);
}

START_TEST(a_recorded_run_is_decided_again)
{
	char path[] = "/tmp/test_policy_sim_XXXXXX", *said = NULL;
	const struct policy *p = policy_at((unsigned)_i);
	struct policy_entry all[N_RECORDED] = { 0 };
	struct record start = { .event = 'S', .count = 100 };
	struct replay_counts counts;
	uint64_t seed = 4;
	size_t len;

	FILE *f = fdopen(mkstemp(path), "w");
	start.world = world_default(200000000, 800000000);
	strcpy(start.policy, p->name);
	test_write(f, &start);
	struct policy_run *run = p->start(p, &start.world, 100);
	for (int step = 0; step < 2000; step++) {
		double u = sim_load_uniform(&seed);

		test_record_use(f, p, run, all, (uint64_t)(N_RECORDED * u * u),
				step * .3);
	}
	p->stop(run);
	fclose(f);

	FILE *errors = open_memstream(&said, &len);
	ck_assert_int_eq(sim_replay(path, errors, &counts), 0);
	ck_assert_uint_gt(counts.n_answers, 6000);

	/* An answer that was not given is found out. */
	struct record lie = { .event = 'P', .now_s = 600, .any = true };
	f = fopen(path, "a");
	test_write(f, &lie);
	fclose(f);
	ck_assert_int_eq(sim_replay(path, errors, &counts), -EBADMSG);
	fclose(errors);
	free(said);
	unlink(path);
}
END_TEST

struct recorded_line {
	char event;
	double now_s;
	uint64_t id, name, bytes;
};

/* 1 was there; 2 and 3 are written, and read; 4 is 2 again, which had to go. */
static const struct recorded_line RECORDED[] = {
	{ 'J', 0, 0, 0, 0 },       { 'K', 100, 1, 11, 4000 },
	{ 'E', 101, 2, 12, 6000 }, { 'R', 101, 2, 12, 6000 },
	{ 'H', 102, 1, 0, 0 },     { 'E', 103, 3, 10, 9000 },
	{ 'R', 103, 3, 13, 9000 }, { 'F', 104, 3, 0, 0 },
	{ 'E', 105, 3, 13, 9000 }, { 'H', 106, 3, 0, 0 },
	{ 'E', 107, 4, 12, 6500 }, { 'W', 0, 0, 0, 0 },
};

static void test_write_recorded(FILE *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct recorded_line *l = &RECORDED[i];
		struct record r = { .event = l->event,
				    .now_s = l->now_s,
				    .id = l->id,
				    .place = { 5, 0, 31, 0 } };

		r.facts = (struct facts){ .name = l->name,
					  .raw_bytes = l->bytes,
					  .layer_bytes[4] = l->bytes / 2,
					  .loss = { 1, 1, 1, 1, 0 },
					  .recompute_s = .25,
					  .floor_rung = 4,
					  .priority = 50 };
		r.world = world_default(1000, 1 << 20);
		if (l->event == 'W')
			r.world.bytes_per_s[TIER_SSD] = 12345;
		strcpy(r.policy, "adapt");
		test_write(f, &r);
	}
}

START_TEST(a_record_is_a_workload)
{
	enum { N = sizeof RECORDED / sizeof *RECORDED };
	static const uint32_t refs[] = { 0, 1, 0, 2, 2, 1 };
	static const double at_s[] = { 0, 1, 2, 3, 6, 7 };
	char path[] = "/tmp/test_policy_sim_XXXXXX";
	struct sim_recorded recorded;
	struct sim_setup setup = test_setup("adapt", 1 << 20, 1 << 20);
	struct sim_load load = { 0 };
	struct sim_result result;
	struct replay_counts counts;

	FILE *f = fdopen(mkstemp(path), "w");
	test_write_recorded(f, N);
	fclose(f);
	ck_assert_int_eq(sim_load_record(&load, path, stderr, &recorded), 0);
	ck_assert_str_eq(recorded.policy, "adapt");
	ck_assert_uint_eq(recorded.world.limit_bytes[TIER_RAM], 1000);
	ck_assert_double_eq(recorded.world.bytes_per_s[TIER_SSD], 12345);
	ck_assert_uint_eq(load.n_names, 3);
	ck_assert_double_eq(load.names[1].raw_bytes, 6500);
	ck_assert_uint_eq(load.n_refs, 6);
	ck_assert_uint_eq(load.n_requests, 6);
	for (size_t i = 0; i < 6; i++) {
		ck_assert_uint_eq(load.refs[i], refs[i]);
		ck_assert_double_eq(load.requests[i].at_s, at_s[i]);
	}
	/* With room for all, what was written again need not have been. */
	ck_assert_int_eq(sim_run(&load, &setup, &result), 0);
	ck_assert_uint_eq(result.n_counted, 3);
	ck_assert_double_eq(result.miss_share, 0);
	ck_assert_double_eq(result.quality, 1);
	/* What it had learned is not in it. */
	ck_assert_int_eq(sim_replay(path, stderr, &counts), -EINVAL);
	sim_load_done(&load);
	unlink(path);
}
END_TEST

struct bad_record {
	const char *text, *reason;
};

static const struct bad_record BAD_RECORDS[] = {
	{ "H 0x1p10 77 5 0 31 0 5", "this entry is not known" },
	{ "H 0x1p0 1 5 0 31 0 5",
	  "its time is before that of an earlier line" },
	{ "H 0x1p10", "a number is missing or out of range" },
	{ "Y 1", "unknown event" },
};

START_TEST(bad_records_are_named_with_their_place)
{
	char path[] = "/tmp/test_policy_sim_XXXXXX", *said = NULL, want[256];
	struct sim_recorded recorded;
	struct sim_load load = { 0 };
	size_t len;

	FILE *f = fdopen(mkstemp(path), "w");
	test_write_recorded(f, 5);
	fprintf(f, "%s\n", BAD_RECORDS[_i].text);
	fclose(f);
	FILE *errors = open_memstream(&said, &len);
	ck_assert_int_eq(sim_load_record(&load, path, errors, &recorded),
			 -EINVAL);
	fclose(errors);
	snprintf(want, sizeof want, "%s:6: %s\n", path, BAD_RECORDS[_i].reason);
	ck_assert_str_eq(said, want);
	free(said);
	sim_load_done(&load);
	unlink(path);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("policy_sim");
	TCase *tc = tcase_create("sim");
	int n = 0;

	while (policy_at((unsigned)n))
		n++;
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, bad_lines_are_named_with_their_place, 0,
			    N_BAD_LINES);
	tcase_add_test(tc, lru_misses_as_an_independent_lru);
	tcase_add_loop_test(tc, nobody_beats_the_clairvoyant, 0, n);
	tcase_add_loop_test(tc, a_recorded_run_is_decided_again, 0, n);
	tcase_add_test(tc, a_record_is_a_workload);
	tcase_add_loop_test(tc, bad_records_are_named_with_their_place, 0,
			    sizeof BAD_RECORDS / sizeof *BAD_RECORDS);
	suite_add_tcase(s, tc);

	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
