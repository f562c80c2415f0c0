/* The chunked coding as a table: what each byte means in each state (RFC 9112, 7.1).
 *
 * Everything around the data goes through the table one byte at a time, so a cut may fall anywhere;
 * the data itself is handed on as one view. A cell that the table leaves empty is a fault, or an
 * anomaly of a second table, which is looked at only then. */

#include "proto/http/chunked.h"

#include "proto/http/scan.h"

#include <assert.h>

enum state {
    FAULT,
    SIZE_START, /* before the first digit */
    SIZE,
    EXTENSION,       /* white space that only another ';' may end */
    EXTENSION_START, /* behind ';' */
    EXTENSION_NAME,
    EXTENSION_NAME_END, /* white space behind a name */
    EXTENSION_VALUE,    /* behind '=' */
    EXTENSION_TOKEN,
    EXTENSION_QUOTED,
    EXTENSION_ESCAPE,
    EXTENSION_QUOTED_END,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_FIRST, /* of the first line: no white space, which would go on with a line before */
    TRAILER_START, /* of another one */
    TRAILER_NAME,
    TRAILER_SPACE, /* white space behind a name, or in it */
    TRAILER_WORDS, /* a name of several words */
    TRAILER_WORDS_SPACE,
    TRAILER_PLAIN, /* no name: only a line without a colon */
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
    DONE,
    STATE_COUNT
};

enum byte_class {
    HEX,
    TOKEN, /* other tchar */
    BLANK,
    COLON,
    SEMICOLON,
    EQUALS,
    QUOTE,
    BACKSLASH,
    TEXT, /* other visible bytes, and obs-text */
    CR,
    LF,
    CONTROL,
    CLASS_COUNT
};

/* clang-format off */
#define WORD(state) [HEX] = state, [TOKEN] = state
#define LINE(state) \
    WORD(state), [BLANK] = state, [COLON] = state, [SEMICOLON] = state, [EQUALS] = state, \
    [TEXT] = state

static const uint8_t next_state[STATE_COUNT][CLASS_COUNT] = {
    [SIZE_START] = {[HEX] = SIZE},
    [SIZE] = {[HEX] = SIZE, [BLANK] = EXTENSION, [SEMICOLON] = EXTENSION_START, [CR] = SIZE_LF},
    [EXTENSION] = {[BLANK] = EXTENSION, [SEMICOLON] = EXTENSION_START},
    [EXTENSION_START] = {[BLANK] = EXTENSION_START, WORD(EXTENSION_NAME)},
    [EXTENSION_NAME] = {WORD(EXTENSION_NAME), [BLANK] = EXTENSION_NAME_END,
                        [EQUALS] = EXTENSION_VALUE, [SEMICOLON] = EXTENSION_START, [CR] = SIZE_LF},
    [EXTENSION_NAME_END] = {[BLANK] = EXTENSION_NAME_END, [EQUALS] = EXTENSION_VALUE,
                            [SEMICOLON] = EXTENSION_START},
    [EXTENSION_VALUE] = {[BLANK] = EXTENSION_VALUE, WORD(EXTENSION_TOKEN),
                         [QUOTE] = EXTENSION_QUOTED},
    [EXTENSION_TOKEN] = {WORD(EXTENSION_TOKEN), [BLANK] = EXTENSION,
                         [SEMICOLON] = EXTENSION_START, [CR] = SIZE_LF},
    [EXTENSION_QUOTED] = {LINE(EXTENSION_QUOTED), [BACKSLASH] = EXTENSION_ESCAPE,
                          [QUOTE] = EXTENSION_QUOTED_END},
    [EXTENSION_ESCAPE] = {LINE(EXTENSION_QUOTED), [BACKSLASH] = EXTENSION_QUOTED,
                          [QUOTE] = EXTENSION_QUOTED},
    [EXTENSION_QUOTED_END] = {[BLANK] = EXTENSION, [SEMICOLON] = EXTENSION_START, [CR] = SIZE_LF},
    [SIZE_LF] = {[LF] = DATA},
    [DATA_CR] = {[CR] = DATA_LF},
    [DATA_LF] = {[LF] = SIZE_START},
    [TRAILER_FIRST] = {WORD(TRAILER_NAME), [CR] = END_LF},
    [TRAILER_START] = {WORD(TRAILER_NAME), [BLANK] = TRAILER_VALUE, [CR] = END_LF},
    [TRAILER_NAME] = {WORD(TRAILER_NAME), [COLON] = TRAILER_VALUE},
    [TRAILER_VALUE] = {LINE(TRAILER_VALUE), [BACKSLASH] = TRAILER_VALUE, [QUOTE] = TRAILER_VALUE,
                       [CR] = TRAILER_LF},
    [TRAILER_LF] = {[LF] = TRAILER_START},
    [END_LF] = {[LF] = DONE},
};

/* What else is read, and as what. */
#define PLAIN \
    [SEMICOLON] = TRAILER_PLAIN, [EQUALS] = TRAILER_PLAIN, [QUOTE] = TRAILER_PLAIN, \
    [BACKSLASH] = TRAILER_PLAIN, [TEXT] = TRAILER_PLAIN
static const uint8_t odd_state[STATE_COUNT][CLASS_COUNT] = {
    [EXTENSION] = {[CR] = SIZE_LF},
    [EXTENSION_NAME_END] = {[CR] = SIZE_LF},
    [EXTENSION_START] = {[SEMICOLON] = EXTENSION_START, [CR] = SIZE_LF},
    [TRAILER_FIRST] = {PLAIN},
    [TRAILER_START] = {PLAIN},
    [TRAILER_NAME] = {PLAIN, [BLANK] = TRAILER_SPACE, [CR] = TRAILER_LF},
    [TRAILER_SPACE] = {PLAIN, [BLANK] = TRAILER_SPACE, WORD(TRAILER_WORDS),
                       [COLON] = TRAILER_VALUE, [CR] = TRAILER_LF},
    [TRAILER_WORDS] = {PLAIN, WORD(TRAILER_WORDS), [BLANK] = TRAILER_WORDS_SPACE,
                       [COLON] = TRAILER_VALUE, [CR] = TRAILER_LF},
    [TRAILER_WORDS_SPACE] = {PLAIN, [BLANK] = TRAILER_WORDS_SPACE, WORD(TRAILER_WORDS),
                             [COLON] = TRAILER_VALUE, [CR] = TRAILER_LF},
    [TRAILER_PLAIN] = {PLAIN, WORD(TRAILER_PLAIN), [BLANK] = TRAILER_PLAIN, [CR] = TRAILER_LF},
    [TRAILER_VALUE] = {[CONTROL] = TRAILER_VALUE},
};
/* clang-format on */

static enum byte_class byte_class(char c)
{
    switch (c) {
    case '\r':
        return CR;
    case '\n':
        return LF;
    case ' ':
    case '\t':
        return BLANK;
    case ':':
        return COLON;
    case ';':
        return SEMICOLON;
    case '=':
        return EQUALS;
    case '"':
        return QUOTE;
    case '\\':
        return BACKSLASH;
    default:
        if (ascii_hex_value(c) >= 0)
            return HEX;
        if (scan_is_token(c))
            return TOKEN;
        return (unsigned char)c < 0x20 || c == 0x7f ? CONTROL : TEXT;
    }
}

static enum proto_error fault_in(enum state state, char c)
{
    if (state >= TRAILER_FIRST)
        return PROTO_TRAILER_LINE;
    if (state >= DATA)
        return PROTO_CHUNK_DATA_END;
    if (state == SIZE_LF || (c == '\n' && state != SIZE_START))
        return PROTO_CHUNK_LINE_END;
    return state <= SIZE ? PROTO_CHUNK_SIZE : PROTO_CHUNK_EXTENSION;
}

static enum proto_error count_byte(struct chunked *chunked)
{
    bool in_trailer = chunked->state >= TRAILER_FIRST;

    chunked->line_bytes++;
    if (in_trailer)
        return chunked->line_bytes > CHUNKED_TRAILER_BYTES_MAX ? PROTO_TRAILER_TOO_LONG : PROTO_OK;
    return chunked->line_bytes > CHUNKED_LINE_BYTES_MAX ? PROTO_CHUNK_LINE_TOO_LONG : PROTO_OK;
}

static enum proto_error add_digit(struct chunked *chunked, char c)
{
    if (chunked->remaining > (uint64_t)INT64_MAX >> 4)
        return PROTO_CHUNK_SIZE_OVERFLOW;
    chunked->remaining = chunked->remaining << 4 | (uint64_t)ascii_hex_value(c);
    return PROTO_OK;
}

/* The anomalies of a step of the second table, as bits. In the middle of a trailer's line it is not
 * known yet which ones the line has. */
static uint32_t anomalies_of(enum state state, enum state next)
{
    if (next == SIZE_LF && state != EXTENSION_START)
        return PROTO_ANOMALY_CHUNK_SIZE_SPACE;
    if (next == SIZE_LF || next == EXTENSION_START)
        return PROTO_ANOMALY_CHUNK_EXTENSION_EMPTY;
    if (next == TRAILER_LF)
        return PROTO_ANOMALY_LINE_WITHOUT_COLON;
    if (next != TRAILER_VALUE)
        return 0;
    if (state == TRAILER_VALUE)
        return PROTO_ANOMALY_VALUE_CONTROL;
    if (state == TRAILER_SPACE)
        return PROTO_ANOMALY_COLON_SPACE;
    return PROTO_ANOMALY_NAME_SPACE | (state == TRAILER_WORDS ? 0 : PROTO_ANOMALY_COLON_SPACE);
}

/* A byte that the first table has no cell for. */
static enum proto_error odd_step(struct chunked *chunked, enum state state, char c)
{
    enum state next = c != '\0' ? odd_state[state][byte_class(c)] : FAULT;
    uint32_t anomalies = anomalies_of(state, next);

    if (next == FAULT)
        return fault_in(state, c);
    if (anomalies != 0 && chunked->is_strict)
        return (enum proto_error)(PROTO_CHUNK_SIZE_SPACE + __builtin_ctz(anomalies));
    chunked->anomalies |= anomalies;
    chunked->state = (uint8_t)next;
    return PROTO_OK;
}

/* Takes one byte that is not data. */
static enum proto_error step(struct chunked *chunked, char c)
{
    enum state state = chunked->state;
    enum proto_error error = count_byte(chunked);

    if (error != PROTO_OK)
        return error;
    chunked->state = next_state[state][byte_class(c)];
    if (chunked->state == FAULT)
        return odd_step(chunked, state, c);
    if (chunked->state == SIZE)
        return add_digit(chunked, c);
    if (state == SIZE_LF || state == DATA_LF)
        chunked->line_bytes = 0;
    if (state == SIZE_LF && chunked->remaining == 0)
        chunked->state = TRAILER_FIRST;
    return PROTO_OK;
}

static size_t take_data(struct chunked *chunked, size_t available)
{
    size_t taken = available < chunked->remaining ? available : (size_t)chunked->remaining;

    assert(taken > 0); /* a chunk of none is the last, and is no data */
    chunked->remaining -= taken;
    if (chunked->remaining == 0)
        chunked->state = DATA_CR;
    return taken;
}

void chunked_init(struct chunked *chunked, bool is_strict)
{
    *chunked = (struct chunked){.state = SIZE_START, .is_strict = is_strict};
}

enum proto_error chunked_feed(struct chunked *chunked, struct span in, struct span *ret_data,
                              size_t *ret_consumed, bool *ret_done)
{
    enum proto_error error = PROTO_OK;
    size_t at = 0;

    *ret_data = (struct span){.bytes = in.bytes, .length = 0};
    while (at < in.length && chunked->state != DATA && chunked->state != DONE && error == PROTO_OK)
        error = step(chunked, in.bytes[at++]);
    if (at < in.length && chunked->state == DATA && error == PROTO_OK) {
        size_t taken = take_data(chunked, in.length - at);

        *ret_data = (struct span){.bytes = in.bytes + at, .length = taken};
        at += taken;
    }
    *ret_consumed = at;
    *ret_done = chunked->state == DONE;
    return error;
}
