/* Owns the sum of a run. The idea: the exit code is that of the earliest argument that failed, so
 * that it does not depend on which reply came first. */

#include "tools/tally.h"
#include "tools/output/human.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* An error without a row in exits.h does not compile. */
static const int exit_codes[TALLY_ERRORS] = {
#define TALLY_EXIT_CODE(name, text) [HAUL_##name] = EXIT_##name,
    HAUL_ERRORS(TALLY_EXIT_CODE)
#undef TALLY_EXIT_CODE
};

static bool is_consequence(enum haul_error error)
{
    return error == HAUL_CANCELLED || error == HAUL_NOT_STARTED;
}

bool tally_lacks_roots(const struct haul_result *result)
{
    return result->error == HAUL_TLS && result->os_error == ENOKEY;
}

/* As in curl a certificate or a key that was refused is told from a handshake that failed. */
static int result_exit_code(const struct haul_result *result)
{
    if (haul_pin_refused(result))
        return EXIT_PIN;
    if (tally_lacks_roots(result))
        return EXIT_ROOTS;
    return result->detail == HAUL_DETAIL_CERTIFICATE ? EXIT_CERTIFICATE : exit_codes[result->error];
}

static bool comes_first(const struct tally *tally, const struct haul_result *result)
{
    if (tally->first_error == HAUL_OK)
        return true;
    if (is_consequence(tally->first_error) != is_consequence(result->error))
        return is_consequence(tally->first_error);
    return result->index < tally->first_index;
}

void tally_take(struct tally *tally, const struct haul_result *result)
{
    tally->results++;
    tally->body_bytes += result->body_bytes;
    tally->errors[result->error]++;
    if (result->error != HAUL_OK && comes_first(tally, result)) {
        tally->first_error = result->error;
        tally->first_index = result->index;
        tally->first_exit_code = result_exit_code(result);
    }
}

uint64_t tally_failures(const struct tally *tally)
{
    return tally->results - tally->errors[HAUL_OK];
}

int tally_exit_code(const struct tally *tally)
{
    return tally->first_exit_code;
}

static void summary_failures(const struct tally *tally, FILE *text)
{
    char number[HUMAN_BYTES];
    const char *separator = " (";
    fprintf(text, ", %s failed", human_count(number, tally_failures(tally)));
    for (int error = HAUL_OK + 1; error < TALLY_ERRORS; error++) {
        if (tally->errors[error] == 0)
            continue;
        fprintf(text, "%s%s %s", separator, haul_error_name((enum haul_error)error),
                human_count(number, tally->errors[error]));
        separator = ", ";
    }
    fprintf(text, ")");
}

void tally_summary(const struct tally *tally, uint64_t elapsed_ns, char *ret_text, size_t size)
{
    char number[HUMAN_BYTES];
    FILE *text = fmemopen(ret_text, size, "w");
    ret_text[0] = '\0';
    if (text == NULL)
        return;
    fprintf(text, "%s request%s: ", human_count(number, tally->results),
            tally->results == 1 ? "" : "s");
    fprintf(text, "%s ok", human_count(number, tally->errors[HAUL_OK]));
    if (tally_failures(tally) > 0)
        summary_failures(tally, text);
    fprintf(text, "; %s", human_bytes(number, tally->body_bytes));
    fprintf(text, " in %s", human_duration(number, elapsed_ns));
    uint64_t rate = elapsed_ns > 0 ? (uint64_t)((double)tally->results * 1e9 / (double)elapsed_ns)
                                   : tally->results;
    fprintf(text, ", %s/s", human_count(number, rate));
    fclose(text);
}
