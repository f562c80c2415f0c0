/* Owns a request's state and what it holds, from submit to release. A fetch is in exactly one
 * place: the queue, a connection, the collector, or the caller's hands; its state says which. */

#include "engine/request/fetch.h"
#include "proto/auth/userinfo.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

const struct fetch_extra fetch_no_extra = {
    .trail = {.last = NO_BLOCK},
    .head_piece = NO_PIECE,
    .hop_block = NO_BLOCK,
    .resume_block = NO_BLOCK,
};

/* --- submitting ------------------------------------------------------------------------------- */

/* A URL that was parsed where the caller has it, what parsing wrote into room, and the user
 * information that was in it. */
struct parsed {
    struct span text;
    const char *room;
    size_t room_used;
    struct url url;
    struct span userinfo; /* bytes NULL: none */
    enum proto_error error;
};

/* Keeps it: behind its text the room, and where there is any the user information, to be decoded
 * there. Long ones need a block of their own. */
static int keep_url(struct fetch *fetch, struct fetch_terms *terms, const struct parsed *parsed)
{
    _Static_assert(URL_BYTES_MAX + 1 + URL_ROOM_BYTES <= BLOCK_BYTES, "a block holds any URL");
    char *text = fetch->text;
    struct span url = parsed->text;
    size_t room_used = parsed->room_used;
    fetch->url_block = NO_BLOCK;
    if (url.length + room_used + parsed->userinfo.length >= sizeof fetch->text) {
        if (terms->url_blocks_left == 0)
            return -EAGAIN;
        terms->url_blocks_left--;
        fetch->url_block = store_take(terms->store);
        text = store_block(terms->store, fetch->url_block)->bytes;
    }
    size_t length = url.length <= URL_BYTES_MAX ? url.length : URL_BYTES_MAX;
    memcpy(text, url.bytes, length);
    text[length] = '\0';
    memcpy(text + length + 1, parsed->room, room_used);
    fetch->url_length = (uint32_t)length;
    return 0;
}

static const char *url_text(const struct fetch *fetch, const struct fetch_terms *terms)
{
    return fetch->url_block == NO_BLOCK ? fetch->text
                                        : store_block(terms->store, fetch->url_block)->bytes;
}

struct span fetch_url(const struct fetch *fetch, const struct fetch_terms *terms)
{
    return (struct span){url_text(fetch, terms), fetch->url_length};
}

struct span fetch_url_effective(const struct fetch *fetch, const struct fetch_terms *terms)
{
    const struct fetch_extra *extra = fetch_view(fetch);
    if (extra->url_effective)
        return (struct span){extra->url_effective, extra->url_effective_length};
    return fetch_url(fetch, terms);
}

static char *behind_url(const struct fetch *fetch, const struct fetch_terms *terms,
                        const struct parsed *parsed)
{
    return (char *)(uintptr_t)url_text(fetch, terms) + fetch->url_length + 1 + parsed->room_used;
}

static void take_upload(struct fetch *fetch, const struct haul_upload *upload)
{
    fetch->has_own = fetch->has_body = fetch->has_own_body = fetch->has_upload = true;
    fetch_extra(fetch)->body = (struct span){NULL, upload->length};
    fetch->is_once = upload->is_once;
    fetch->is_chunked = upload->is_chunked;
}

static void take_request(struct fetch *fetch, const struct haul_options *options,
                         const struct haul_request *request)
{
    bool has_body = request->has_body || request->body_length > 0;
    fetch->tag_number = request->tag_number; /* all of its bytes, whichever was meant */
    if (request->method || request->headers) {
        fetch_extra(fetch)->method = request->method;
        fetch->extra->headers = request->headers;
    }
    fetch->has_own = request->method || request->headers || has_body;
    fetch->has_body = has_body || options->has_body;
    fetch->has_own_body = has_body;
    if (has_body)
        fetch_extra(fetch)->body = (struct span){request->body, request->body_length};
    uint64_t max_body = request->max_body ? request->max_body : options->max_body;
    fetch->max_body = max_body ? max_body : UINT64_MAX;
    if (request->upload)
        take_upload(fetch, request->upload);
}

/* What it has where it has come to, to be sent unasked; or the answer to who asks. */
static struct request_credentials
credentials_at(const struct fetch *fetch, const struct fetch_terms *terms, struct span answer)
{
    static const struct request_credentials none;
    bool is_at_home = !fetch->is_abroad || terms->options->redirect->location_trusted;
    const struct login *login = fetch_view(fetch)->login;
    const struct credentials *credentials = login ? &login->now : &terms->auth->given;
    if (!login && !is_at_home)
        return none;
    if (terms->auth->is_digest)
        return (struct request_credentials){.bearer = credentials->bearer, .value = answer};
    return (struct request_credentials){.bearer = credentials->bearer,
                                        .user = credentials->user,
                                        .password = credentials->password};
}

struct session_place fetch_place(const struct fetch *fetch)
{
    struct url url = url_unpack(&fetch->url);
    return (struct session_place){.host = url.host, .port = url.port, .is_https = url.is_https};
}

enum proto_error fetch_answer(struct fetch *fetch, const struct fetch_terms *terms, char *buffer,
                              size_t size, struct span *ret_answer)
{
    char target[TEMPLATE_BYTES];
    struct login *login = fetch_view(fetch)->login;
    struct session_place place = fetch_place(fetch);
    size_t length;
    *ret_answer = (struct span){NULL, 0};
    if (!login || !terms->auth->is_digest || !login_may_answer(login))
        return PROTO_OK;
    if (login->session == NO_SESSION)
        sessions_enter(terms->sessions, login, &place);
    struct session *session = sessions_of(terms->sessions, login);
    login->is_answer = session;
    if (!session)
        return PROTO_OK;
    struct url url = url_unpack(&fetch->url);
    enum proto_error error =
        request_target_write(&url, terms->options->path_as_is, target, sizeof target, &length);
    if (error)
        return error;
    struct digest_request request = {.user = login->now.user,
                                     .method = span_of(fetch->method_sent),
                                     .target = {target, length},
                                     .count = ++session->count};
    length = digest_write(&session->challenge, &session->answers, &request, buffer, size);
    *ret_answer = (struct span){buffer, length};
    return length <= size ? PROTO_OK : PROTO_REQUEST_TOO_LONG;
}

enum proto_error fetch_template(const struct fetch *fetch, const struct fetch_terms *terms,
                                struct span answer, struct request_template *ret_template,
                                char *fields, size_t size)
{
    const struct haul_options *options = terms->options;
    const struct fetch_extra *extra = fetch_view(fetch);
    struct span body = fetch_body(fetch, terms);
    struct request_options request = {
        .method = extra->method ? extra->method : options->method,
        .user_agent = options->user_agent,
        .fields = extra->headers ? extra->headers : options->headers,
        .has_body = fetch->has_body,
        .body_bytes = body.length,
        .is_chunked = fetch->is_chunked,
        .without_type = fetch->has_upload && !body.bytes,
        .may_expect = fetch->is_chunked || body.length > terms->expect_above,
        .without_expect = fetch->without_expect || fetch->without_content,
        .path_as_is = options->path_as_is,
        .without_host = fetch->is_abroad,
        .without_credentials = fetch->is_abroad && !options->redirect->location_trusted,
        .without_content = fetch->without_content,
        .accept_encoding = terms->accept_encoding,
        .credentials = credentials_at(fetch, terms, answer),
        .is_http10 = options->transport->http_version == 10,
    };
    if (fetch->is_resumed) {
        const struct resume *resume = resume_in(terms->store, fetch->extra->resume_block);
        request.range_from = fetch->body_bytes;
        request.if_range = (struct span){resume->tag, resume->tag_length};
    }
    return request_template_init(ret_template, &request, fields, size, NULL);
}

/* Everything about the request but its URL that can be wrong without a network. */
static enum proto_error check(struct fetch *fetch, const struct fetch_terms *terms)
{
    char fields[TEMPLATE_BYTES];
    struct request_template own;
    const struct request_template *template = &terms->template;
    fetch->method_sent = template->method.bytes;
    if (fetch->has_own) {
        enum proto_error error =
            fetch_template(fetch, terms, (struct span){NULL, 0}, &own, fields, sizeof fields);
        if (error)
            return error;
        template = &own;
    }
    fetch->method_sent = template->method.bytes;
    fetch->is_idempotent = template->is_idempotent;
    fetch->has_range = template->has_range;
    if (template->expects)
        fetch->has_own = fetch->has_upload = true;
    return PROTO_OK;
}

/* --- credentials ------------------------------------------------------------------------------ */

static struct span span_of_string(const char *string)
{
    return string ? span_of(string) : (struct span){NULL, 0};
}

static bool has_control(struct span text)
{
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.bytes[i] < 0x20 || text.bytes[i] == 0x7f)
            return true;
    return false;
}

/* Those of its own, of its URL, of the netrc: what it cannot share with all others. */
static __attribute__((noinline)) enum proto_error take_login(struct fetch *fetch,
                                                             const struct fetch_terms *terms,
                                                             const struct haul_request *request,
                                                             const struct parsed *parsed)
{
    const struct haul_options *options = terms->options;
    const char *const *own_fields = fetch_view(fetch)->headers;
    const char *const *fields = own_fields ? own_fields : options->headers;
    struct credentials own = {.user = span_of_string(request->user),
                              .password = span_of_string(request->password),
                              .bearer = span_of_string(request->bearer)};
    struct credentials in_url = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    enum proto_error error = PROTO_OK;
    if (has_control(own.user) || has_control(own.password) || has_control(own.bearer))
        return PROTO_CREDENTIALS_CONTROL;
    if (parsed->userinfo.bytes)
        error = userinfo_decode(parsed->userinfo, behind_url(fetch, terms, parsed), &in_url.user,
                                &in_url.password);
    if (error || parsed->error || request_has_field(fields, SPAN("Authorization")))
        return error;
    struct login *login = &terms->logins[fetch - terms->fetches];
    fetch_extra(fetch)->login = login;
    login_init(login, terms->auth, &own, &in_url, parsed->url.host, parsed->url.is_https);
    fetch->has_own |= credentials_are(&login->now);
    return PROTO_OK;
}

static bool has_login(const struct fetch_terms *terms, const struct haul_request *request,
                      const struct parsed *parsed)
{
    return terms->auth->has_netrc || terms->auth->is_digest || parsed->userinfo.bytes ||
           request->user || request->password || request->bearer;
}

/* --- the whole -------------------------------------------------------------------------------- */

static int take(struct fetch *fetch, struct fetch_terms *terms, const struct haul_request *request,
                struct parsed *parsed, uint64_t now_ns, enum proto_error *ret_error)
{
    if (keep_url(fetch, terms, parsed))
        return -EAGAIN;
    if (!parsed->error) {
        const char *base = url_text(fetch, terms);
        url_move(&parsed->url, parsed->text, parsed->room, base);
        fetch->url = url_pack(&parsed->url, base);
    }
    fetch->chain = CHAIN_EMPTY;
    fetch->head_block = NO_BLOCK;
    fetch->decoder = NO_DECODER;
    fetch->conn = NO_SLOT;
    fetch->submitted_ns = now_ns;
    take_request(fetch, terms->options, request);
    enum proto_error error = PROTO_OK;
    if (has_login(terms, request, parsed))
        error = take_login(fetch, terms, request, parsed);
    enum proto_error bad = check(fetch, terms);
    error = bad ? bad : error;
    *ret_error = error ? error : parsed->error;
    return 0;
}

/* What is refused as it is written may have user information in it: then it is parsed, and shown,
 * without. */
static __attribute__((noinline)) int take_odd(struct fetch *fetch, struct fetch_terms *terms,
                                              const struct haul_request *request,
                                              struct parsed *parsed, uint64_t now_ns,
                                              enum proto_error *ret_error)
{
    char plain[URL_BYTES_MAX + 1];
    char room[URL_ROOM_BYTES];
    struct span before;
    struct span userinfo;
    struct span behind;
    if (!userinfo_find(parsed->text, parsed->error, &before, &userinfo, &behind))
        return take(fetch, terms, request, parsed, now_ns, ret_error);
    before.length = before.length < sizeof plain ? before.length : sizeof plain;
    size_t left = sizeof plain - before.length;
    behind.length = behind.length < left ? behind.length : left;
    memcpy(plain, before.bytes, before.length);
    memcpy(plain + before.length, behind.bytes, behind.length);
    parsed->text = (struct span){plain, before.length + behind.length};
    if (parsed->error == PROTO_URL_USERINFO) {
        parsed->userinfo = userinfo;
        parsed->room = room;
        parsed->error = url_parse(parsed->text, room, &parsed->url, NULL);
        parsed->room_used = parsed->error ? 0 : url_room_used(&parsed->url, room);
    }
    return take(fetch, terms, request, parsed, now_ns, ret_error);
}

int fetch_init(struct fetch *fetch, struct fetch_terms *terms, const struct haul_request *request,
               uint64_t now_ns, enum proto_error *ret_error)
{
    assert(fetch->state == FETCH_FREE);
    size_t url_length = request->url_length ? request->url_length : strlen(request->url);
    char room[URL_ROOM_BYTES];
    struct parsed parsed = {.text = {request->url, url_length}, .room = room};
    memset(fetch, 0, offsetof(struct fetch, submitted_ns));
    fetch->extra = &terms->extras[fetch - terms->fetches];
    parsed.error = url_parse_next(&terms->url_memo, parsed.text, room, &parsed.url);
    if (parsed.error)
        return take_odd(fetch, terms, request, &parsed, now_ns, ret_error);
    parsed.room_used = url_room_used(&parsed.url, room);
    return take(fetch, terms, request, &parsed, now_ns, ret_error);
}

/* --- under way -------------------------------------------------------------------------------- */

void fetch_retreat(struct fetch *fetch)
{
    assert(fetch->state == FETCH_ACTIVE);
    assert(fetch->is_resumed || (fetch->chain.first == NO_BLOCK && fetch->head_block == NO_BLOCK &&
                                 !fetch_view(fetch)->handed));
    assert(fetch->decoder == NO_DECODER);
    fetch->conn = NO_SLOT;
    fetch->connected_ns = fetch->secured_ns = fetch->sent_ns = fetch->first_byte_ns = 0;
    fetch->is_reused = fetch->is_tls_resumed = false;
    fetch->anomalies = 0;
    if (!fetch->has_extra)
        return;
    struct fetch_extra *extra = fetch->extra;
    extra->tls_version = extra->tls_suite = extra->tls_verification = extra->tls_backend = NULL;
}

void fetch_wait(struct fetch *fetch)
{
    if (fetch_view(fetch)->redirects + fetch_view(fetch)->retries == 0)
        fetch->started_ns = 0;
    else
        fetch->extra->left_ns = fetch->begun_ns;
    fetch->begun_ns = 0;
    fetch->attempts--;
}

void fetch_count_gap(struct fetch *fetch, uint64_t now_ns)
{
    struct fetch_extra *extra = fetch->extra;
    uint64_t gap_ns = now_ns - extra->left_ns;
    *(fetch->is_retried ? &extra->wait_ns : &extra->redirect_ns) += gap_ns;
    if (fetch->is_retried && extra->last_try && !fetch->is_tries_cut)
        extra->last_try->wait_ns += gap_ns;
    extra->left_ns = 0;
}

static const char *head_of(const struct fetch *fetch, const struct fetch_terms *terms)
{
    if (fetch->head_block != NO_BLOCK)
        return store_block(terms->store, fetch->head_block)->bytes;
    return fetch_view(fetch)->head_piece != NO_PIECE ? fetch->extra->head : NULL;
}

static void give_head(struct fetch *fetch, struct fetch_terms *terms)
{
    if (fetch->head_block != NO_BLOCK)
        store_give(terms->store, fetch->head_block);
    if (fetch_view(fetch)->head_piece != NO_PIECE) {
        store_give_piece(terms->store, fetch->extra->head_piece);
        fetch->extra->head_piece = NO_PIECE;
    }
    fetch->head_block = NO_BLOCK;
    fetch->head_length = 0;
}

void fetch_take_turn(struct fetch *fetch, uint64_t now_ns)
{
    assert(fetch->state == FETCH_QUEUED && fetch->conn == NO_SLOT);
    fetch->state = FETCH_ACTIVE;
    if (fetch->started_ns == 0)
        fetch->started_ns = now_ns;
    if (fetch_view(fetch)->left_ns)
        fetch_count_gap(fetch, now_ns);
}

void fetch_begin_anew(struct fetch *fetch, struct fetch_terms *terms)
{
    chain_free(&fetch->chain, terms->store);
    give_head(fetch, terms);
    fetch->body_bytes = fetch->body_wire_bytes = 0;
    fetch->can_resume = fetch->is_resumed = false;
    if (!fetch->has_extra)
        return;
    struct fetch_extra *extra = fetch->extra;
    extra->codings = extra->codings_kept = 0;
    extra->handed = extra->skip = 0;
}

/* Of the reply only that stays with which its body can be gone on with. */
static void drop_reply(struct fetch *fetch, struct fetch_terms *terms)
{
    fetch->status = fetch->version_minor = 0;
    if (fetch->has_extra)
        fetch->extra->detail = HAUL_DETAIL_NONE;
    if (!fetch->answers)
        fetch->is_resumed = fetch->is_retried && fetch->can_resume && fetch->body_bytes > 0;
    if (!fetch->is_resumed) {
        fetch_begin_anew(fetch, terms);
        return;
    }
    const struct resume *resume = resume_in(terms->store, fetch->extra->resume_block);
    fetch->status = (uint16_t)resume->status;
    fetch->version_minor = (uint8_t)resume->version_minor;
    fetch->extra->skip = 0;
    fetch->has_own = true;
}

void fetch_leave(struct fetch *fetch, struct fetch_terms *terms, uint64_t now_ns)
{
    struct fetch_extra *extra = fetch_extra(fetch);
    fetch->is_retried = extra->again_ns != 0;
    if (fetch->is_retried) {
        fetch->attempt_ns = 0;
    } else if (!fetch->asks_anew) {
        extra->redirect_ns += now_ns - fetch->begun_ns;
        if (extra->last_hop && !fetch->is_cut && !fetch->answers)
            extra->last_hop->public.total_ns = now_ns - fetch->begun_ns;
    }
    drop_reply(fetch, terms);
    extra->left_ns = fetch->asks_anew ? 0 : now_ns;
    if (extra->login && !fetch->answers)
        login_begin(extra->login);
    fetch->is_passing = fetch->asks_anew = fetch->answers = false;
    fetch->is_resent = fetch->has_tried = false;
    extra->passed = 0;
    fetch->begun_ns = 0;
    fetch_retreat(fetch);
}

struct span fetch_skip(struct fetch *fetch, struct span data)
{
    struct fetch_extra *extra = fetch->extra;
    size_t length = data.length < extra->skip ? data.length : (size_t)extra->skip;
    extra->skip -= length;
    return (struct span){data.bytes + length, data.length - length};
}

bool fetch_pass(struct fetch *fetch, uint64_t length)
{
    struct fetch_extra *extra = fetch_extra(fetch);
    if (length > FETCH_PASSED_BYTES_MAX - extra->passed)
        return false;
    extra->passed += (uint32_t)length;
    return true;
}

void fetch_keep_head(struct fetch *fetch, const struct fetch_terms *terms, struct span head)
{
    assert(fetch->state == FETCH_ACTIVE && fetch->head_block == NO_BLOCK);
    fetch->head_length = (uint32_t)head.length;
    if (fetch_view(fetch)->head_piece != NO_PIECE) {
        fetch->extra->head = head.bytes;
        return;
    }
    assert(head.length <= BLOCK_BYTES); /* a longer one lies in a piece */
    fetch->head_block = store_take(terms->store);
    char *kept = store_block(terms->store, fetch->head_block)->bytes;
    memcpy(kept, head.bytes, head.length);
}

static const struct failure too_long = {HAUL_LIMIT, "the body is longer than its limit", 0};

const struct failure *fetch_check_length(const struct fetch *fetch, uint64_t length)
{
    return length > fetch->max_body ? &too_long : NULL;
}

/* What fits is handed out. */
const struct failure *fetch_cut_body(struct fetch *fetch, const struct fetch_terms *terms,
                                     struct span data)
{
    data.length = (size_t)(fetch->max_body - fetch->body_bytes);
    fetch->body_bytes = fetch->max_body;
    const struct failure *failure = NULL;
    if (terms->options->keep_bodies)
        failure = fetch_keep_body(fetch, terms, data);
    return failure ? failure : &too_long;
}

const struct failure *fetch_keep_body(struct fetch *fetch, const struct fetch_terms *terms,
                                      struct span data)
{
    static const struct failure too_large = {
        HAUL_LIMIT, "the body is longer than half of the memory for bodies", 0};
    static const struct failure no_room = {
        HAUL_LIMIT, "no memory is left for bodies that wait for their turn", 0};
    assert(fetch->state == FETCH_ACTIVE);
    if (fetch->body_bytes > terms->body_bytes_max)
        return &too_large;
    size_t kept = chain_append(&fetch->chain, terms->store, data.bytes, data.length);
    return kept < data.length ? &no_room : NULL;
}

/* --- finishing -------------------------------------------------------------------------------- */

static uint64_t between(uint64_t from_ns, uint64_t to_ns)
{
    return from_ns && to_ns > from_ns ? to_ns - from_ns : 0;
}

bool fetch_finish(struct fetch *fetch, const struct fetch_terms *terms, enum haul_stage stage,
                  const struct failure *failure, uint64_t now_ns)
{
    static const struct failure bad_status = {HAUL_STATUS, "the status is an error", 0};
    assert(fetch->state != FETCH_DONE && fetch->state != FETCH_LENT);
    assert(fetch->decoder == NO_DECODER);
    int fail_status = terms->options->fail_status;
    if (!failure && fail_status && fetch->status >= fail_status)
        failure = &bad_status;
    if (fetch->attempt_ns && fetch->started_ns == 0)
        fetch->started_ns = now_ns;
    if (fetch_view(fetch)->left_ns)
        fetch_count_gap(fetch, now_ns);
    if (fetch_view(fetch)->login)
        sessions_leave(terms->sessions, fetch->extra->login);
    fetch->state = FETCH_DONE;
    fetch->conn = NO_SLOT;
    fetch->finished_ns = now_ns;
    if (!failure)
        return false;
    fetch->has_failed = true;
    fetch_extra(fetch)->failure = *failure;
    fetch->extra->stage = stage;
    return true;
}

static void describe_times(const struct fetch *fetch, struct haul_result *result)
{
    result->queue_ns = between(fetch->submitted_ns, fetch->started_ns);
    result->connect_ns = between(fetch->begun_ns, fetch->connected_ns);
    result->tls_ns = between(fetch->connected_ns, fetch->secured_ns);
    result->send_ns = between(fetch->secured_ns, fetch->sent_ns);
    result->ttfb_ns = between(fetch->sent_ns, fetch->first_byte_ns);
    result->total_ns = between(fetch->started_ns, fetch->finished_ns);
}

static void describe_extra(const struct fetch_extra *extra, struct haul_result *result)
{
    result->detail = extra->detail;
    result->tls_version = extra->tls_version;
    result->tls_suite = extra->tls_suite;
    result->tls_backend = extra->tls_backend;
    result->tls_verification = extra->tls_verification;
    result->redirects = extra->redirects;
    result->redirect_ns = extra->redirect_ns;
    result->hops = extra->hops;
    result->wait_ns = extra->wait_ns;
    result->retry_after_s = extra->retry_after_s;
    result->tries = extra->tries;
    result->retries = extra->retries;
    result->body_offset = extra->offset;
    result->codings = extra->codings;
    result->codings_kept = extra->codings_kept;
}

void fetch_describe(const struct fetch *fetch, const struct fetch_terms *terms,
                    const struct haul_piece *body, bool more, struct haul_result *ret_result)
{
    struct haul_result *result = ret_result;
    struct span url_effective = fetch_url_effective(fetch, terms);
    memset(result, 0, sizeof *result);
    result->index = fetch->index;
    result->url = url_text(fetch, terms);
    result->url_length = fetch->url_length;
    result->tag_number = fetch->tag_number;
    result->method = fetch->method_sent;
    result->stage = more ? HAUL_STAGE_QUEUE : HAUL_STAGE_DONE;
    result->more = more;
    result->reused_connection = fetch->is_reused;
    result->status = fetch->status;
    result->version_minor = fetch->version_minor;
    result->head = head_of(fetch, terms);
    result->head_length = fetch->head_length;
    result->body_bytes = fetch->body_bytes;
    result->body = body;
    result->tls_resumed = fetch->is_tls_resumed;
    result->anomalies = fetch->anomalies;
    result->url_effective = url_effective.bytes;
    result->url_effective_length = url_effective.length;
    result->attempts = fetch->attempts;
    result->body_wire_bytes = fetch->body_wire_bytes;
    if (!more)
        describe_times(fetch, result);
    if (fetch->has_extra)
        describe_extra(fetch->extra, result);
    if (!fetch->has_failed)
        return;
    result->error = fetch->extra->failure.error;
    result->stage = fetch->extra->stage;
    result->message = fetch->extra->failure.message;
    result->os_error = fetch->extra->failure.os_error;
}

void fetch_release(struct fetch *fetch, struct fetch_terms *terms)
{
    assert(fetch->state == FETCH_LENT);
    chain_free(&fetch->chain, terms->store);
    give_head(fetch, terms);
    if (fetch->url_block != NO_BLOCK) {
        assert(terms->url_blocks_left < terms->url_blocks);
        store_give(terms->store, fetch->url_block);
        terms->url_blocks_left++;
    }
    fetch->state = FETCH_FREE;
    if (!fetch->has_extra)
        return;
    struct fetch_extra *extra = fetch->extra;
    if (extra->hop_block != NO_BLOCK)
        store_give(terms->store, extra->hop_block);
    if (extra->resume_block != NO_BLOCK)
        store_give(terms->store, extra->resume_block);
    trail_free(&extra->trail, terms->store);
}
