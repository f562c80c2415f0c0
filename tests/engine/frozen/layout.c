/* The layout that a program built with one haul.h relies on. Compiled with three of them: the
 * frozen one, the tree's, and the grown one; LAYOUT names what comes of it. What is listed is what
 * the frozen one has, all of it: nothing is ever added here, nor taken away. */

#include "tests/engine/frozen/layout.h"

#include <haul.h>

#define MEMBER(type, member)                                                                       \
    {                                                                                              \
#type "." #member, offsetof(struct type, member), sizeof(((struct type *)0)->member)       \
    }
#define NUMBER(word)                                                                               \
    {                                                                                              \
#word, word, 0                                                                             \
    }

static const struct layout_row rows[] = {
    MEMBER(haul_options, concurrency),
    MEMBER(haul_options, window),
    MEMBER(haul_options, loop),
    MEMBER(haul_options, connect_timeout_ms),
    MEMBER(haul_options, max_time_ms),
    MEMBER(haul_options, unordered),
    MEMBER(haul_options, cancel_on_error),
    MEMBER(haul_options, fail_status),
    MEMBER(haul_options, keep_headers),
    MEMBER(haul_options, keep_bodies),
    MEMBER(haul_options, stream_bodies),
    MEMBER(haul_options, body_bytes),
    MEMBER(haul_options, raise_nofile),
    MEMBER(haul_options, user_agent),
    MEMBER(haul_options, method),
    MEMBER(haul_options, headers),
    MEMBER(haul_options, body),
    MEMBER(haul_options, body_length),
    MEMBER(haul_options, has_body),
    MEMBER(haul_options, dns_servers),
    MEMBER(haul_options, connect_to),
    MEMBER(haul_options, resolve),
    MEMBER(haul_options, tls),
    MEMBER(haul_options, tls_size),
    MEMBER(haul_request, url),
    MEMBER(haul_request, url_length),
    MEMBER(haul_request, tag),
    MEMBER(haul_request, method),
    MEMBER(haul_request, headers),
    MEMBER(haul_request, body),
    MEMBER(haul_request, has_body),
    MEMBER(haul_request, body_length),
    MEMBER(haul_piece, next),
    MEMBER(haul_piece, bytes),
    MEMBER(haul_piece, length),
    MEMBER(haul_result, index),
    MEMBER(haul_result, url),
    MEMBER(haul_result, url_length),
    MEMBER(haul_result, tag),
    MEMBER(haul_result, method),
    MEMBER(haul_result, error),
    MEMBER(haul_result, stage),
    MEMBER(haul_result, message),
    MEMBER(haul_result, os_error),
    MEMBER(haul_result, detail),
    MEMBER(haul_result, more),
    MEMBER(haul_result, reused_connection),
    MEMBER(haul_result, status),
    MEMBER(haul_result, version_minor),
    MEMBER(haul_result, head),
    MEMBER(haul_result, head_length),
    MEMBER(haul_result, body_bytes),
    MEMBER(haul_result, body),
    MEMBER(haul_result, tls_version),
    MEMBER(haul_result, tls_suite),
    MEMBER(haul_result, tls_verification),
    MEMBER(haul_result, tls_resumed),
    MEMBER(haul_result, queue_ns),
    MEMBER(haul_result, connect_ns),
    MEMBER(haul_result, tls_ns),
    MEMBER(haul_result, send_ns),
    MEMBER(haul_result, ttfb_ns),
    MEMBER(haul_result, total_ns),
    MEMBER(haul_open_error, option),
    MEMBER(haul_open_error, item),
    MEMBER(haul_open_error, message),
    MEMBER(haul_open_error, detail),
    MEMBER(haul_tls, at_open),
    MEMBER(haul_tls, insecure),
    MEMBER(haul_tls, legacy),
    MEMBER(haul_tls, ca_file),
    MEMBER(haul_tls, ca_directory),
    MEMBER(haul_tls, client_certificate),
    MEMBER(haul_tls, client_key),
    MEMBER(haul_tls, pinned_keys),
    MEMBER(haul_tls, key_log),
    MEMBER(haul_facts, loop),
    MEMBER(haul_facts, loop_reason),
    MEMBER(haul_facts, concurrency),
    MEMBER(haul_facts, window),
    MEMBER(haul_facts, requests),
    MEMBER(haul_facts, failures),
    MEMBER(haul_facts, connections),
    MEMBER(haul_facts, retries),
    MEMBER(haul_facts, bytes_received),
    MEMBER(haul_facts, enters),
    MEMBER(haul_facts, completions),
    MEMBER(haul_facts, buffers_empty),
    MEMBER(haul_facts, queue_overflows),
    MEMBER(haul_facts, in_flight),
    MEMBER(haul_facts, waiting),
    MEMBER(haul_budget, total_bytes),
    MEMBER(haul_budget, term_count),
    MEMBER(haul_budget_term, name),
    MEMBER(haul_budget_term, count),
    MEMBER(haul_budget_term, bytes_each),
    MEMBER(haul_gathered, count),
    MEMBER(haul_gathered, results),
    NUMBER(HAUL_LOOP_AUTO),
    NUMBER(HAUL_LOOP_URING),
    NUMBER(HAUL_LOOP_EPOLL),
    NUMBER(HAUL_DETAIL_NONE),
    NUMBER(HAUL_DETAIL_PIN),
    NUMBER(HAUL_DETAIL_CERTIFICATE),
    NUMBER(HAUL_DETAIL_CA_FILE),
    NUMBER(HAUL_DETAIL_CA_DIRECTORY),
    NUMBER(HAUL_DETAIL_ROOTS),
    NUMBER(HAUL_DETAIL_CLIENT_CERTIFICATE),
    NUMBER(HAUL_DETAIL_CLIENT_KEY),
    NUMBER(HAUL_DETAIL_CLIENT_PAIR),
    NUMBER(HAUL_DETAIL_KEY_LOG),
    NUMBER(HAUL_OK),
    NUMBER(HAUL_URL),
    NUMBER(HAUL_RESOLVE),
    NUMBER(HAUL_CONNECT),
    NUMBER(HAUL_TLS),
    NUMBER(HAUL_SEND),
    NUMBER(HAUL_RECEIVE),
    NUMBER(HAUL_TRUNCATED),
    NUMBER(HAUL_PROTOCOL),
    NUMBER(HAUL_LIMIT),
    NUMBER(HAUL_DEADLINE),
    NUMBER(HAUL_STATUS),
    NUMBER(HAUL_CANCELLED),
    NUMBER(HAUL_NOT_STARTED),
    NUMBER(HAUL_RESOURCE),
    NUMBER(HAUL_STAGE_QUEUE),
    NUMBER(HAUL_STAGE_RESOLVE),
    NUMBER(HAUL_STAGE_CONNECT),
    NUMBER(HAUL_STAGE_TLS),
    NUMBER(HAUL_STAGE_SEND),
    NUMBER(HAUL_STAGE_HEAD),
    NUMBER(HAUL_STAGE_BODY),
    NUMBER(HAUL_STAGE_DONE),
};

#ifdef HAS_GROWN
#define NEXT(type) offsetof(struct type, appended_flag)
#else
#define NEXT(type) 0
#endif
#define STRUCT(type)                                                                               \
    {                                                                                              \
#type, sizeof(struct type), NEXT(type)                                                     \
    }

static const struct layout_struct structs[] = {
    STRUCT(haul_options),
    STRUCT(haul_request),
    STRUCT(haul_tls),
};

const struct layout LAYOUT = {
    rows,
    sizeof rows / sizeof *rows,
    structs,
    sizeof structs / sizeof *structs,
};
