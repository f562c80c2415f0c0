/* Owns the sum of a run. The idea: the exit code is that of the earliest argument that failed, so
 * that it does not depend on which reply came first. */

#include "tools/tally.h"
#include "tools/output/human.h"

#include <stdio.h>
#include <stdlib.h>

static bool is_consequence(enum haul_error error)
{
    return error == HAUL_CANCELLED || error == HAUL_NOT_STARTED;
}

bool tally_lacks_roots(const struct haul_result *result)
{
    return exit_is_roots(result);
}

static bool comes_first(const struct tally *tally, const struct haul_result *result)
{
    if (tally->first_error == HAUL_OK)
        return true;
    if (is_consequence(tally->first_error) != is_consequence(result->error))
        return is_consequence(tally->first_error);
    return result->index < tally->first_index;
}

static void take_success(struct tally *tally, const struct haul_result *result)
{
    int class = result->status / 100;
    tally->classes[class < TALLY_CLASSES ? class : TALLY_CLASSES - 1]++;
    tally->coded += tally->has_bodies && result->body_bytes > 0 && result->codings_kept > 0;
}

static void take_anomalies(struct tally *tally, uint64_t anomalies)
{
    for (unsigned i = 0; i < TALLY_ANOMALIES && anomalies >> i != 0; i++)
        tally->anomalies[i] += anomalies >> i & 1;
}

static void take_retry_after(struct tally *tally, uint64_t asked_s)
{
    tally->late += asked_s > 0;
    tally->late_s = asked_s > tally->late_s ? asked_s : tally->late_s;
}

void tally_take(struct tally *tally, const struct haul_result *result)
{
    tally->results++;
    tally->body_bytes += result->body_bytes;
    tally->errors[result->error]++;
    take_anomalies(tally, result->anomalies);
    take_retry_after(tally, result->retry_after_s);
    if (result->error == HAUL_OK)
        take_success(tally, result);
    else if (comes_first(tally, result)) {
        tally->first_error = result->error;
        tally->first_index = result->index;
        tally->first_exit_code = exit_code_of(result);
    }
}

uint64_t tally_failures(const struct tally *tally)
{
    return tally->results - tally->errors[HAUL_OK] - tally->errors[HAUL_NOT_STARTED];
}

int tally_exit_code(const struct tally *tally)
{
    return tally->first_exit_code;
}

/* A part of the sum, behind what joins it to the one before. */
static void summary_part(FILE *text, const char **separator, uint64_t count, const char *words)
{
    char number[HUMAN_BYTES];
    if (count == 0)
        return;
    fprintf(text, "%s%s %s", *separator, human_count(number, count), words);
    *separator = ", ";
}

static void summary_causes(const struct tally *tally, FILE *text)
{
    char number[HUMAN_BYTES];
    const char *separator = " (";
    for (int error = HAUL_OK + 1; error < TALLY_ERRORS; error++) {
        if (tally->errors[error] == 0 || error == HAUL_NOT_STARTED)
            continue;
        fprintf(text, "%s%s %s", separator, haul_error_name((enum haul_error)error),
                human_count(number, tally->errors[error]));
        separator = ", ";
    }
    fprintf(text, ")");
}

static void summary_parts(const struct tally *tally, FILE *text)
{
    const char *separator = ": ";
    for (int class = 0; class < TALLY_CLASSES; class ++) {
        const char words[] = {(char)('0' + class), 'x', 'x', '\0'};
        summary_part(text, &separator, tally->classes[class], words);
    }
    summary_part(text, &separator, tally_failures(tally), "failed");
    if (tally_failures(tally) > 0)
        summary_causes(tally, text);
    summary_part(text, &separator, tally->errors[HAUL_NOT_STARTED], "not begun");
}

static void summary_anomalies(const struct tally *tally, FILE *text)
{
    char number[HUMAN_BYTES];
    const char *separator = "; odd replies: ";
    for (unsigned i = 0; i < TALLY_ANOMALIES; i++) {
        if (tally->anomalies[i] == 0)
            continue;
        fprintf(text, "%s%s %s", separator, haul_anomaly_name((enum haul_anomaly)(1u << i)),
                human_count(number, tally->anomalies[i]));
        separator = ", ";
    }
}

void tally_summary(const struct tally *tally, uint64_t elapsed_ns, char *ret_text, size_t size)
{
    char number[HUMAN_BYTES];
    FILE *text = fmemopen(ret_text, size, "w");
    ret_text[0] = '\0';
    if (text == NULL)
        return;
    uint64_t begun = tally->results - tally->errors[HAUL_NOT_STARTED];
    fprintf(text, "%s request%s", human_count(number, tally->results),
            tally->results == 1 ? "" : "s");
    summary_parts(tally, text);
    fprintf(text, "; %s", human_bytes(number, tally->body_bytes));
    fprintf(text, " in %s", human_duration(number, elapsed_ns));
    uint64_t rate = elapsed_ns > 0 ? (uint64_t)((double)begun * 1e9 / (double)elapsed_ns) : begun;
    fprintf(text, ", %s/s", human_count(number, rate));
    summary_anomalies(tally, text);
    fclose(text);
}
