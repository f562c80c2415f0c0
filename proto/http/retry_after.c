/* Reads dates and waits. The hard idea is whose clock counts: a date is that of the server, whose
 * Date says what it took the time for, so that a wrong clock does no harm on either side. */

#include "proto/http/retry_after.h"
#include "proto/http/response.h"

/* --- dates ------------------------------------------------------------------------------------ */

/* What is not read yet. */
struct reader {
    const char *at;
    const char *end;
    bool is_bad;
};

static void expect(struct reader *reader, const char *literal)
{
    size_t length = strlen(literal);

    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, literal, length) != 0)
        reader->is_bad = true;
    else
        reader->at += length;
}

/* Digits, as many as that. */
static int number(struct reader *reader, int digits)
{
    int value = 0;

    for (; digits > 0 && reader->at < reader->end && ascii_is_digit(*reader->at); digits--)
        value = value * 10 + (*reader->at++ - '0');
    reader->is_bad |= digits > 0;
    return value;
}

/* From 0 on. */
static int month(struct reader *reader)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int i = 0; i < 12 && reader->end - reader->at >= 3; i++)
        if (memcmp(reader->at, names + 3 * i, 3) == 0) {
            reader->at += 3;
            return i;
        }
    reader->is_bad = true;
    return 0;
}

static int64_t time_of_day(struct reader *reader)
{
    int hours = number(reader, 2), minutes, seconds;

    expect(reader, ":");
    minutes = number(reader, 2);
    expect(reader, ":");
    seconds = number(reader, 2);
    reader->is_bad |= hours > 23 || minutes > 59 || seconds > 60;
    return hours * 3600 + minutes * 60 + seconds;
}

/* Days from 1970 on, of the Gregorian calendar: years begin with March, so that leap days are at
 * their end. */
static int64_t days_of(int year, int month_from_0, int day)
{
    int64_t years = year - (month_from_0 < 2);
    int64_t era = years / 400, of_era = years % 400;
    int64_t months = (month_from_0 + 10) % 12;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * months + 2) / 5 + day -
           1 - 719468;
}

/* "06 Nov 1994 08:49:37 GMT" and "06-Nov-94 08:49:37 GMT". Two digits are the year that is not more
 * than 50 years ahead; of those that are near any date that is of use, that from 1970 on. */
static int64_t date_of_zone(struct reader *reader, bool is_short)
{
    int day = number(reader, 2), month_from_0, year;
    int64_t seconds;

    expect(reader, is_short ? "-" : " ");
    month_from_0 = month(reader);
    expect(reader, is_short ? "-" : " ");
    year = number(reader, is_short ? 2 : 4);
    if (is_short)
        year += year < 70 ? 2000 : 1900;
    expect(reader, " ");
    seconds = time_of_day(reader);
    expect(reader, " GMT");
    reader->is_bad |= day < 1 || day > 31;
    return days_of(year, month_from_0, day) * 86400 + seconds;
}

/* "Nov  6 08:49:37 1994" */
static int64_t date_of_asctime(struct reader *reader)
{
    int month_from_0 = month(reader), day, year;
    int64_t seconds;

    expect(reader, " ");
    if (reader->at < reader->end && *reader->at == ' ') {
        reader->at++;
        day = number(reader, 1);
    } else {
        day = number(reader, 2);
    }
    expect(reader, " ");
    seconds = time_of_day(reader);
    expect(reader, " ");
    year = number(reader, 4);
    reader->is_bad |= day < 1 || day > 31;
    return days_of(year, month_from_0, day) * 86400 + seconds;
}

bool http_date_read(struct span text, int64_t *ret_s)
{
    struct reader reader = {text.bytes, text.bytes + text.length, false};
    const char *start = reader.at;

    while (reader.at < reader.end && ascii_lower(*reader.at) >= 'a' &&
           ascii_lower(*reader.at) <= 'z')
        reader.at++;
    if (reader.at - start < 3) /* the name of a day, which nobody checks */
        return false;
    if (reader.at < reader.end && *reader.at == ',') {
        bool is_short = reader.at - start > 3;

        expect(&reader, ", ");
        *ret_s = date_of_zone(&reader, is_short);
    } else {
        expect(&reader, " ");
        *ret_s = date_of_asctime(&reader);
    }
    return !reader.is_bad && reader.at == reader.end;
}

/* --- waits ------------------------------------------------------------------------------------ */

static bool seconds_read(struct span text, int64_t *ret_s)
{
    *ret_s = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (!ascii_is_digit(text.bytes[i]))
            return false;
        if (*ret_s < RETRY_AFTER_MOST_S)
            *ret_s = *ret_s * 10 + (text.bytes[i] - '0');
    }
    return text.length > 0;
}

/* Of the first one that can be read; else now. */
static int64_t time_of(struct span head, int64_t now_s)
{
    struct span name, value;
    int64_t date_s;

    for (size_t cursor = 0; response_field_next(head, &cursor, &name, &value);)
        if (span_equal_fold(name, SPAN("Date")) && http_date_read(value, &date_s))
            return date_s;
    return now_s;
}

bool retry_after_find(struct span head, int64_t now_s, int64_t *ret_s)
{
    struct span name, value;
    bool has_one = false;

    *ret_s = 0;
    for (size_t cursor = 0; response_field_next(head, &cursor, &name, &value);) {
        int64_t wait_s;

        if (!span_equal_fold(name, SPAN("Retry-After")))
            continue;
        if (!seconds_read(value, &wait_s)) {
            if (!http_date_read(value, &wait_s))
                continue;
            wait_s -= time_of(head, now_s);
        }
        has_one = true;
        *ret_s = wait_s > *ret_s ? wait_s : *ret_s;
    }
    if (*ret_s > RETRY_AFTER_MOST_S)
        *ret_s = RETRY_AFTER_MOST_S;
    return has_one;
}
