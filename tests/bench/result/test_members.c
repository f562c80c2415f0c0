/* The rows of a run's members against what is made of them: JSON, Prometheus, metrics, and
 * SCHEMA.md, whose path is the argument. */

#include "bench/base/json_at.h"
#include "bench/result/members.h"
#include "bench/result/metric.h"
#include "bench/result/pool.h"
#include "bench/result/result.h"
#include "bench/result/threshold.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEMA_BYTES = 64 << 10, PATH_BYTES = 96, DEPTH = 8, COUNTED = 7 };

static char schema[SCHEMA_BYTES];

/* An open loop in which everything has a value. */
struct fixture {
    const char *urls[1];
    struct load_options options;
    struct load_thread thread;
    struct load_result result;
    struct timeline timeline;
    struct instrument instrument;
    struct threshold threshold;
    struct result_context context;
    json_t *run;
};

static void record_all(struct stats *stats)
{
    for (size_t i = 0; i < run_member_count; i++) {
        const struct member *member = &run_members[i];
        char *place = (char *)stats - offsetof(struct load_result, stats) + member->offset;
        if (member->type == MEMBER_LATENCY && member_is_made(member))
            histogram_record_many((struct histogram *)(void *)place, 1000 * (i + 1), COUNTED);
    }
}

static void open_fixture(struct fixture *fixture)
{
    struct stats *stats = &fixture->result.stats;
    char why[THRESHOLD_SENTENCE_BYTES];
    *fixture = (struct fixture){
        .urls = {"https://h/"},
        .options = {.url_count = 1, .rate_from = 10, .requests = COUNTED},
        .thread = {.user_s = 0.25, .system_s = 0.5, .busy = 0.75},
        .context = {.server = "embedded", .has_histograms = true, .threshold_count = 1},
    };
    fixture->options.urls = fixture->urls;
    fixture->options.duration_ns = 1000000000;
    fixture->result = (struct load_result){.options = &fixture->options,
                                           .timeline = &fixture->timeline,
                                           .loop = "uring",
                                           .loop_reason = "as asked for",
                                           .window_s = 1,
                                           .threads = &fixture->thread,
                                           .thread_count = 1,
                                           .connections = 64,
                                           .prepared = COUNTED};
    assert_int_equal(stats_open(stats), 0);
    stats->requests = stats->measured = stats->begun = COUNTED;
    stats->finished_in_window = stats->replies = COUNTED - 1;
    stats->errors[HAUL_CONNECT] = 1;
    stats->statuses[200] = COUNTED - 1;
    stats->oldest_ns = 1000000;
    stats->anomalies[0] = COUNTED - 2;
    record_all(stats);
    instrument_judge(&fixture->instrument, &fixture->result, 1);
    assert_true(threshold_parse(&fixture->threshold, "errors<9", why));
    fixture->context.instrument = &fixture->instrument;
    fixture->context.thresholds = &fixture->threshold;
    fixture->context.environment = json_pack("{ss}", "kernel", "6.1");
    fixture->context.calibration = json_pack("{ss}", "sentence", "little");
    fixture->run = result_json(&fixture->result, &fixture->context);
    assert_non_null(fixture->run);
}

static void close_fixture(struct fixture *fixture)
{
    stats_close(&fixture->result.stats);
    json_decref(fixture->run);
    json_decref(fixture->context.environment);
    json_decref(fixture->context.calibration);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static bool is_of_type(const json_t *value, enum member_type type)
{
    switch (type) {
    case MEMBER_TEXT:
        return json_is_string(value);
    case MEMBER_COUNT:
        return json_is_integer(value);
    case MEMBER_NUMBER:
        return json_is_real(value);
    case MEMBER_SWITCH:
        return json_is_boolean(value);
    case MEMBER_LIST:
        return json_is_array(value);
    case MEMBER_GROUP:
    case MEMBER_COUNTS:
    case MEMBER_LATENCY:
        return json_is_object(value);
    case MEMBER_OBJECT:
        return json_is_object(value) || json_is_string(value) || json_is_number(value);
    }
    return false;
}

/* What is null in this run, though everything else has a value. */
static bool may_be_null(const struct member *member)
{
    return strcmp(member->path, "hidden") == 0 || strcmp(member->path, "aborted") == 0 ||
           strcmp(member->path, "plan.stages") == 0 || strcmp(member->path, "stages") == 0;
}

static void test_a_row_is_a_member(void **state)
{
    struct fixture fixture;
    (void)state;
    open_fixture(&fixture);
    for (size_t i = 0; i < run_member_count; i++) {
        const struct member *member = &run_members[i];
        const json_t *value = member_of(fixture.run, member);
        if (member_is_made(member) && !is_of_type(value, member->type) &&
            !(json_is_null(value) && may_be_null(member)))
            fail_msg("%s is of another type, or not there", member->path);
        assert_ptr_equal(member_find(member->path), member);
    }
    close_fixture(&fixture);
}

static void assert_rows(json_t *object, const char *group)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        char path[PATH_BYTES];
        snprintf(path, sizeof path, "%s%s%s", group, *group != '\0' ? "." : "", key);
        const struct member *member = member_find(path);
        if (member == NULL || strcmp(member->path, path) != 0)
            fail_msg("%s has no row", path);
        if (member->type == MEMBER_GROUP)
            assert_rows(value, path);
    }
}

static void test_a_member_is_a_row(void **state)
{
    struct fixture fixture;
    (void)state;
    open_fixture(&fixture);
    assert_rows(fixture.run, "");
    close_fixture(&fixture);
}

/* As many as there are latencies to count, each under a name of its own. */
static void test_histograms(void **state)
{
    struct fixture fixture;
    size_t count = 0;
    (void)state;
    open_fixture(&fixture);
    const json_t *histograms = json_object_get(fixture.run, "histograms");
    for (size_t i = 0; i < run_member_count; i++)
        count += run_members[i].histogram != HISTOGRAM_NONE;
    assert_int_equal(json_object_size(histograms), count + 1);
    for (size_t i = 0; i < count; i++)
        assert_non_null(text_at(histograms, member_key(member_with_histogram(i))));
    assert_null(member_with_histogram(count));
    close_fixture(&fixture);
}

static void test_phases(void **state)
{
    (void)state;
    for (int i = 0; i < PHASE_COUNT; i++) {
        char path[PATH_BYTES];
        snprintf(path, sizeof path, "phases_us.%s", phase_name((enum phase)i));
        const struct member *member = member_find(path);
        assert_string_equal(member->path, path);
        assert_int_equal(member->offset, offsetof(struct load_result, stats.phases) +
                                             (size_t)i * sizeof(struct histogram));
    }
}

/* --- what else is made of them ---------------------------------------------------------------- */

static void test_metrics(void **state)
{
    struct fixture fixture;
    double value;
    (void)state;
    open_fixture(&fixture);
    for (size_t i = 0; i < run_member_count; i++) {
        const struct member *member = &run_members[i];
        char name[METRIC_NAME_BYTES];
        if (member->metric == NULL)
            continue;
        snprintf(name, sizeof name, "%s%s", member->metric,
                 member->type == MEMBER_LATENCY ? ".max" : "");
        if (!metric_value(fixture.run, name, &value))
            fail_msg("%s has no value", name);
        assert_int_equal(metric_unit(name), member->unit);
        assert_int_equal(metric_sense(name), member->sense);
        bool is_bound = strcmp(member->path, "latency_us.all") == 0; /* by what has failed */
        if (member->type == MEMBER_LATENCY && value != (double)(i + 1) && !is_bound)
            fail_msg("%s is %g, another's", name, value);
    }
    close_fixture(&fixture);
}

static void test_families(void **state)
{
    struct fixture fixture;
    char *text, head[PATH_BYTES];
    size_t length;
    (void)state;
    open_fixture(&fixture);
    FILE *out = open_memstream(&text, &length);
    result_prometheus(out, fixture.run);
    assert_int_equal(fclose(out), 0);
    for (size_t i = 0; i < run_member_count; i++) {
        if (run_members[i].family == NULL)
            continue;
        snprintf(head, sizeof head, "# TYPE haul_bench_%s ", run_members[i].family);
        const char *found = strstr(text, head);
        if (found == NULL)
            fail_msg("no family %s", run_members[i].family);
        if (strstr(found + 1, head) != NULL)
            fail_msg("the family %s is there twice", run_members[i].family);
    }
    free(text);
    close_fixture(&fixture);
}

/* Every rule takes what the row makes: two equal runs become one, in both manners. */
static void test_merge(void **state)
{
    struct fixture fixture;
    (void)state;
    open_fixture(&fixture);
    for (int manner = POOL_REPEATS; manner <= POOL_TOGETHER; manner++) {
        char message[POOL_MESSAGE_BYTES];
        json_t *both = pool_runs(fixture.run, fixture.run, (enum pool_manner)manner, message);
        if (both == NULL)
            fail_msg("%s", message);
        for (size_t i = 0; i < run_member_count; i++) {
            const struct member *member = &run_members[i];
            if (member_is_made(member) && !is_of_type(member_of(both, member), member->type) &&
                !may_be_null(member))
                fail_msg("%s is lost, or of another type", member->path);
        }
        json_decref(both);
    }
    close_fixture(&fixture);
}

/* --- SCHEMA.md -------------------------------------------------------------------------------- */

/* Objects that are open, from the outermost on. */
struct reading {
    const char *at;
    char keys[DEPTH][PATH_BYTES]; /* the key that the object at that depth is the value of */
    size_t depth;
    char key[PATH_BYTES]; /* the last one */
};

static bool next_string(struct reading *reading)
{
    const char *end = strchr(reading->at + 1, '"');
    assert_non_null(end);
    bool is_key = end[1] == ':';
    if (is_key)
        snprintf(reading->key, PATH_BYTES, "%.*s", (int)(end - reading->at - 1), reading->at + 1);
    reading->at = end;
    return is_key;
}

static void enter(struct reading *reading)
{
    assert_true(reading->depth < DEPTH);
    memcpy(reading->keys[reading->depth++], reading->key, PATH_BYTES);
    reading->key[0] = '\0';
}

static void path_of(const struct reading *reading, char *ret_path)
{
    size_t length = 0;
    for (size_t i = 0; i < reading->depth; i++)
        if (reading->keys[i][0] != '\0')
            length +=
                (size_t)snprintf(ret_path + length, PATH_BYTES - length, "%s.", reading->keys[i]);
    snprintf(ret_path + length, PATH_BYTES - length, "%s", reading->key);
}

/* The next member that stands in the text up to its end. */
static bool next_member(struct reading *reading, const char *end, char *ret_path)
{
    for (; reading->at < end; reading->at++) {
        if (*reading->at == '{')
            enter(reading);
        else if (*reading->at == '}' && reading->depth > 0)
            reading->depth--;
        else if (*reading->at == '"' && next_string(reading)) {
            path_of(reading, ret_path);
            reading->at++;
            return true;
        }
    }
    return false;
}

/* Is the path within a member that has a row, and no rows for what is in it? */
static bool is_inside(char *path)
{
    const struct member *member;
    char *point = strrchr(path, '.');
    if (point == NULL)
        return false;
    *point = '\0';
    member = member_find(path);
    bool is_there = member != NULL ? member->type != MEMBER_GROUP : is_inside(path);
    *point = '.';
    return is_there;
}

/* Marks the rows that the text from begin to end has; what has none fails. */
static void read_members(const char *begin, const char *end, bool *is_there)
{
    struct reading reading = {.at = begin};
    char path[PATH_BYTES];
    assert_non_null(begin);
    while (next_member(&reading, end, path)) {
        const struct member *member = member_find(path);
        if (member != NULL && strcmp(member->path, path) == 0)
            is_there[member - run_members] = true;
        else if (!is_inside(path))
            fail_msg("SCHEMA.md has %s, which is no row", path);
    }
}

static void test_schema(void **state)
{
    bool *is_there = calloc(run_member_count, sizeof *is_there);
    const char *run = strstr(schema, "```\n{"), *merged = strstr(schema, "\"merged\": {\"runs\"");
    (void)state;
    assert_non_null(run);
    assert_non_null(merged);
    read_members(run, strstr(run, "\nLATENCY ="), is_there);
    read_members(merged, strstr(merged, "```"), is_there);
    for (size_t i = 0; i < run_member_count; i++) {
        const char *path = run_members[i].path;
        if (!is_there[i] && path[strlen(path) - 1] != '.')
            fail_msg("SCHEMA.md lacks %s", path);
    }
    free(is_there);
}

static void test_schema_latency(void **state)
{
    const char *latency = strstr(schema, "\nLATENCY =");
    (void)state;
    assert_non_null(latency);
    for (size_t i = 0; i < latency_statistic_count; i++) {
        char key[PATH_BYTES];
        snprintf(key, sizeof key, "\"%s\": ", latency_statistics[i].key);
        if (strstr(latency, key) == NULL)
            fail_msg("SCHEMA.md lacks %s of LATENCY", key);
    }
    const struct member *member;
    for (size_t i = 0; (member = member_with_histogram(i)) != NULL; i++) {
        char key[PATH_BYTES];
        snprintf(key, sizeof key, "\"%s\": ", member_key(member));
        const char *histograms = strstr(schema, "\"histograms\": {");
        if (strstr(histograms, key) == NULL)
            fail_msg("SCHEMA.md lacks %s of histograms", key);
    }
}

/* In the paragraph that begins so, between backquotes. */
static void test_schema_metrics(void **state)
{
    const char *begin = strstr(schema, "\nA metric is named by"), *end;
    char *paragraph, names[METRIC_NAMES_BYTES];
    (void)state;
    assert_non_null(begin);
    end = strstr(begin, "\n\n");
    assert_non_null(end);
    paragraph = strndup(begin, (size_t)(end - begin));
    for (char *at = paragraph; *at != '\0'; at++)
        if (*at == '`' || isspace((unsigned char)*at))
            *at = '|';
    metric_names(names);
    for (char *name = strtok(names, ",; "); name != NULL; name = strtok(NULL, ",; ")) {
        char quoted[PATH_BYTES];
        snprintf(quoted, sizeof quoted, "|%s|", name);
        if (strcmp(name, "also") != 0 && strcmp(name, "as") != 0 &&
            strstr(paragraph, quoted) == NULL)
            fail_msg("SCHEMA.md does not name the metric %s", name);
    }
    free(paragraph);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_is_a_member),
        cmocka_unit_test(test_a_member_is_a_row),
        cmocka_unit_test(test_histograms),
        cmocka_unit_test(test_phases),
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_schema),
        cmocka_unit_test(test_schema_latency),
        cmocka_unit_test(test_schema_metrics),
    };
    FILE *file = argc > 1 ? fopen(argv[1], "re") : NULL;
    if (file == NULL) {
        fputs("usage: test_members SCHEMA.md\n", stderr);
        return 2;
    }
    schema[fread(schema, 1, sizeof schema - 1, file)] = '\0';
    fclose(file);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
