/* What a server says, and what becomes of it, one reply after the other: the same by http and by
 * https. */

#include "tests/lib/engine/engine_rows.h"

#include "engine/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

const struct gathering_row engine_rows[] = {
    {
        "one reply",
        SCRIPTS(SCRIPT({EXPECT, "GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:"},
                       {HAS, "\r\nUser-Agent: haul/"}, {HAS, "\r\nAccept: */*\r\n"},
                       {LACKS, "Content-Length"}, {SEND, REPLY(5, "hello")}, {EXPECT_END})),
        .requests = {"/a?b=c"},
        .transcript = "200 ok 'hello'\n",
    },
    {
        "no deadline",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {.max_time_ms = -1, .connect_timeout_ms = -1},
        .transcript = "200 ok 'a'\n",
    },
    {
        "a deadline beyond all time",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {.max_time_ms = INT64_MAX, .connect_timeout_ms = INT64_MAX / 1000000},
        .transcript = "200 ok 'a'\n",
    },
    {
        "the connection is kept",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT, "GET /b "},
                       {SEND, REPLY(0, "")}, {EXPECT, "GET /c "}, {SEND, REPLY(1, "c")},
                       {EXPECT_END})),
        .requests = {"/a", "/b", "/c"},
        .transcript = "200 ok 'a'\n200 ok '' reused\n200 ok 'c' reused\n",
    },
    {
        "surplus behind a body",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "aHTTP/1.1 200 OK")}, {EXPECT_END}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {EXPECT_END})),
        .requests = {"/a", "/b"},
        .transcript = "200 ok 'a'\n200 ok 'b'\n",
    },
    {
        "surplus behind an empty body, and behind chunks",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(0, "x")}, {EXPECT_END}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, CHUNKED "0\r\n\r\nx"}, {EXPECT_END}),
                SCRIPT({EXPECT, "HEAD /c "}, {SEND, REPLY(3, "abc")}, {EXPECT_END}),
                SCRIPT({EXPECT, "GET /d "}, {SEND, REPLY(1, "d")}, {EXPECT_END})),
        .requests = {"/a", "/b", "HEAD /c", "/d"},
        .transcript = "200 ok ''\n200 ok ''\n200 ok ''\n200 ok 'd'\n",
    },
    {
        "the server closes after its reply",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {EXPECT_END}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {EXPECT_END})),
        .requests = {"/a", "/b"},
        .transcript = "200 ok 'a'\n200 ok 'b'\n",
    },
    {
        "the request asks for the connection's end",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {HAS, "\r\nConnection: close\r\n"},
                       {SEND, REPLY(1, "a")}, {EXPECT_END}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {EXPECT_END})),
        .requests = {"/a", "/b"},
        .options = {.headers = (const char *const[]){"Connection: close", NULL}},
        .transcript = "200 ok 'a'\n200 ok 'b'\n",
    },
    {
        "HTTP/1.0 ends its bodies by closing",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, "HTTP/1.0 200 OK\r\n\r\nall of it"}, {CLOSE}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, "HTTP/1.0 200 OK\r\n\r\n"}, {CLOSE})),
        .requests = {"/a", "/b"},
        .transcript = "200 ok 'all of it'\n200 ok ''\n",
    },
    {
        "HTTP/1.0 keeps a connection only where it says so",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "},
                       {SEND, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"
                              "Content-Length: 1\r\n\r\na"},
                       {EXPECT, "GET /b "}, {SEND, "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nb"},
                       {EXPECT_END}),
                SCRIPT({EXPECT, "GET /c "}, {SEND, REPLY(1, "c")}, {EXPECT_END})),
        .requests = {"/a", "/b", "/c"},
        .transcript = "200 ok 'a'\n200 ok 'b' reused\n200 ok 'c'\n",
    },
    {
        "HTTP/1.1 without a length ends by closing too",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, OK "\r\n"}, {FILL, NULL, 300000}, {CLOSE})),
        .requests = {"/a"},
        .transcript = "200 ok '" X40 "' of 300000\n",
    },
    {
        "what has no body by its nature",
        SCRIPTS(SCRIPT({EXPECT, "HEAD /a "}, {SEND, REPLY(1000, "")}, {EXPECT, "GET /b "},
                       {SEND, "HTTP/1.1 204 No Content\r\n\r\n"}, {EXPECT, "GET /c "},
                       {SEND, "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"},
                       {EXPECT, "HEAD /d "}, {SEND, OK "\r\n"}, {EXPECT, "GET /e "},
                       {SEND, REPLY(1, "e")}, {EXPECT_END})),
        .requests = {"HEAD /a", "/b", "/c", "HEAD /d", "/e"},
        .transcript = "200 ok ''\n204 ok '' reused\n304 ok '' reused\n200 ok '' reused\n"
                      "200 ok 'e' reused\n",
    },
    {
        "interim replies before the final one",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "},
                       {SEND, "HTTP/1.1 100 Continue\r\n\r\n"
                              "HTTP/1.1 103 Early Hints\r\nLink: </s>\r\n\r\n" REPLY(1, "a")},
                       {EXPECT, "GET /b "},
                       {SEND_BYTES, "HTTP/1.1 103 Early Hints\r\nLink: </s>\r\n\r\n"
                                    "HTTP/1.1 100 Continue\r\n\r\n" REPLY(1, "b")},
                       {EXPECT, "GET /c "}, {SEND, "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 2"},
                       {SEND, "00 OK\r\nContent-Length: 1\r\n\r\nc"}, {EXPECT_END})),
        .requests = {"/a", "/b", "/c"},
        .transcript = "200 ok 'a'\n200 ok 'b' reused\n200 ok 'c' reused\n",
    },
    {
        "chunks, extensions and trailers, a byte at a time",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "},
                       {SEND_BYTES, CHUNKED "5;name=value;other=\"a;b\"\r\nhello\r\n"
                                            "00006\r\n world\r\n0;last\r\nTrailer: x\r\n\r\n"},
                       {EXPECT, "GET /b "},
                       {SEND, CHUNKED "2\r\nbe\r\n2\r\ned\r\n0\r\nTrailer: x\r\n\r\n"},
                       {EXPECT_END})),
        .requests = {"/a", "/b"},
        .transcript = "200 ok 'hello world'\n200 ok 'beed' reused\n",
    },
    {
        "a head in pieces",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, "HTTP"}, {SEND, "/1.1 20"}, {SEND, "0 OK\r"},
                       {SEND, "\nContent-"}, {SEND, "Length:"}, {SEND, " 3\r\n"}, {SEND, "\r"},
                       {SEND, "\na"}, {SEND, "bc"}, {EXPECT_END})),
        .requests = {"/a"},
        .transcript = "200 ok 'abc'\n",
    },
    {
        "a head as long as may be, its body in the same segments",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "},
                       {SEND, OK "A: " X5000 "\r\nB: " X5000 "\r\nC: " X5000 "\r\nD: " X500
                                 "\r\nContent-Length: 100000\r\n\r\n"},
                       {FILL, NULL, 100000}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {.keep_headers = true},
        .transcript = "200 ok '" X40 "' of 100000\n",
    },
    {
        "heads beyond a block, alone and with their bodies, kept and not",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, OK "A: " X5000 "\r\nB: " X5000 "\r\nC: " X5000},
                       {SEND, "\r\nD: " X5000 "\r\nE: " X5000 "\r\nContent-Length: 1\r\n\r\n"},
                       {SEND, "a"}, {EXPECT, "GET /b "},
                       {SEND, OK "A: " X5000 "\r\nB: " X5000 "\r\nC: " X5000 "\r\nD: " X5000
                                 "\r\nContent-Length: 100000\r\n\r\n"},
                       {FILL, NULL, 100000}, {EXPECT, "GET /c "}, {SEND, REPLY(1, "c")},
                       {EXPECT_END})),
        .requests = {"/a", "/b", "/c"},
        .options = {.keep_headers = true},
        .transcript = "200 ok 'a'\n200 ok '" X40 "' of 100000 reused\n200 ok 'c' reused\n",
    },
    {
        "a head that is too long",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, OK "A: "}, {FILL, NULL, 270000}, {EXPECT_END})),
        .requests = {"/a"},
        .transcript = "0 limit@head ''\n",
    },
    {
        "odd replies, whose connections are not used again",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "},
                       {SEND, "HTTP/1.1  200 OK\r\nContent-Length: 1\r\n\r\na"}, {EXPECT_END}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, CHUNKED "1 \r\nb\r\n0;\r\n\r\n"}, {EXPECT_END}),
                SCRIPT({EXPECT, "GET /c "}, {SEND, "HTTP/1.1 204 No\r\nContent-Length: -1\r\n\r\n"},
                       {EXPECT_END}),
                SCRIPT({EXPECT, "HEAD /d "}, {SEND, CHUNKED}, {EXPECT_END}),
                SCRIPT({EXPECT, "GET /e "},
                       {SEND, "HTTP/1.1 999 No\r\nA: b\r\n c\r\nContent-Length: 1\r\n\r\ne"},
                       {EXPECT, "GET /f "}, {SEND, REPLY(1, "f")}, {EXPECT_END})),
        .requests = {"/a", "/b", "/c", "HEAD /d", "/e", "/f"},
        .transcript =
            "200 ok 'a' status_spaces\n200 ok 'b' chunk_size_space chunk_extension_empty\n"
            "204 ok '' length_without_body\n200 ok '' coding_without_body\n999 ok 'e'\n"
            "200 ok 'f' reused\n",
    },
    {
        "others that are odd",
        SCRIPTS(
            SCRIPT({EXPECT, "GET /a "},
                   {SEND, OK "A b: c\r\nD : e\r\nF: \x01\r\nG\r\nContent-Length: 1\r\n\r\na"},
                   {EXPECT_END}),
            SCRIPT({EXPECT, "GET /b "},
                   {SEND, OK "Content-Length: 7\r\nTransfer-Encoding: chunked, chunked\r\n\r\n"},
                   {SEND, "1\r\nb\r\n0\r\n\r\n"}, {EXPECT_END}),
            SCRIPT({EXPECT, "GET /c "}, {SEND, OK "Transfer-Encoding: identity\r\n\r\nc"}, {CLOSE}),
            SCRIPT({EXPECT, "GET /d "}, {SEND, "HTTP/1.1  103 Early\r\n\r\n" REPLY(1, "d")},
                   {EXPECT_END}),
            SCRIPT({EXPECT, "GET /e "}, {SEND, CHUNKED "1 \r\ne\r\n0\r\n"}, {CLOSE})),
        .requests = {"/a", "/b", "/c", "/d", "/e"},
        .transcript = "200 ok 'a' name_space colon_space value_control line_without_colon\n"
                      "200 ok 'b' coding_repeated length_and_coding\n200 ok 'c' coding_identity\n"
                      "200 ok 'd' status_spaces\n200 truncated@body 'e' chunk_size_space\n",
    },
    {
        "odd replies read strictly, and what is none",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "},
                       {SEND, "HTTP/1.1  200 OK\r\nContent-Length: 1\r\n\r\na"}, {EXPECT_END}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, CHUNKED "1 \r\nb\r\n0;\r\n\r\n"}, {EXPECT_END}),
                SCRIPT({EXPECT, "GET /c "}, {SEND, "HTTP/1.1 204 No\r\nContent-Length: -1\r\n\r\n"},
                       {EXPECT_END}),
                SCRIPT({EXPECT, "HEAD /d "}, {SEND, CHUNKED}, {EXPECT_END}),
                SCRIPT({EXPECT, "GET /e "},
                       {SEND, "HTTP/1.1 600 No\r\nA: b\r\n c\r\nContent-Length: 1\r\n\r\ne"},
                       {EXPECT, "GET /f "}, {SEND, REPLY(1, "f")}, {EXPECT_END})),
        .requests = {"/a", "/b", "/c", "HEAD /d", "/e", "/f"},
        .options = {.strict = true, .fail_status = 500},
        .transcript = "0 protocol@head ''\n200 protocol@body ''\n0 protocol@head ''\n"
                      "0 protocol@head ''\n600 status@body 'e'\n200 ok 'f' reused\n",
    },
    {
        "bodies up to max_body, and beyond",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(4, "abcd")}, {EXPECT, "GET /b "},
                       {SEND, CHUNKED "2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"}, {EXPECT, "HEAD /c "},
                       {SEND, REPLY(5, "")}, {EXPECT, "GET /d "}, {SEND, REPLY(5, "abcde")},
                       {EXPECT_END}),
                SCRIPT({EXPECT, "GET /e "}, {SEND, CHUNKED "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"},
                       {EXPECT_END}),
                SCRIPT({EXPECT, "GET /f "}, {SEND, OK "\r\nabcde"}, {EXPECT_END})),
        .requests = {"/a", "/b", "HEAD /c", "/d", "/e", "/f"},
        .options = {.max_body = 4},
        .transcript = "200 ok 'abcd'\n200 ok 'abcd' reused\n200 ok '' reused\n"
                      "200 limit@head '' reused\n200 limit@body 'abcd'\n200 limit@body 'abcd'\n",
    },
    {
        "a head up to max_head, and beyond",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT, "GET /b "},
                       {SEND, REPLY(10, "0123456789")}, {EXPECT_END})),
        .requests = {"/a", "/b"},
        .options = {.max_head = sizeof REPLY(1, "") - 1},
        .transcript = "200 ok 'a'\n0 limit@head '' reused\n",
    },
    {
        "no reply at all",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {CLOSE}), SCRIPT({EXPECT, "GET /b "}, {RESET})),
        .requests = {"/a", "/b"},
        .transcript = "0 receive@head ''\n0 receive@head ''\n",
    },
    {
        "a reply that ends inside its head",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, "H"}, {CLOSE}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, OK "Content-Length: 0\r\n"}, {CLOSE}),
                SCRIPT({EXPECT, "GET /c "}, {SEND, "HTTP/1.1 100 Continue\r\n\r\n"}, {CLOSE})),
        .requests = {"/a", "/b", "/c"},
        .transcript = "0 truncated@head ''\n0 truncated@head ''\n0 truncated@head ''\n",
    },
    {
        "a reply that ends inside its body",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(10, "nine byte")}, {CLOSE}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, CHUNKED "5\r\nhello\r\n"}, {CLOSE}),
                SCRIPT({EXPECT, "GET /c "}, {SEND, CHUNKED "5\r\nhello\r\n0\r\n"}, {CLOSE})),
        .requests = {"/a", "/b", "/c"},
        .transcript = "200 truncated@body 'nine byte'\n200 truncated@body 'hello'\n"
                      "200 truncated@body 'hello'\n",
    },
    {
        "a reply that is cut by a reset",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, "HTTP/1.1 200"}, {RESET}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(10, "nine byte")}, {RESET}),
                SCRIPT({EXPECT, "GET /c "}, {SEND, OK "\r\nuntil the end"}, {RESET})),
        .requests = {"/a", "/b", "/c"},
        .transcript = "0 receive@head ''\n200 receive@body 'nine byte'\n"
                      "200 receive@body 'until the end'\n",
    },
    {
        "nonsense from a server that then waits",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, "SSH-2.0-OpenSSH_9.2p1\r\n"}, {HOLD}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, OK "Connection : close\r\n\r\n"}, {HOLD}),
                SCRIPT({EXPECT, "GET /c "}, {SEND, CHUNKED "x\r\n"}, {HOLD}),
                SCRIPT({EXPECT, "GET /d "},
                       {SEND, OK "Content-Length: 1\r\nTransfer-Encoding: identity\r\n\r\n"},
                       {HOLD})),
        .requests = {"/a", "/b", "/c", "/d"},
        .transcript = "0 protocol@head ''\n0 protocol@head ''\n200 protocol@body ''\n"
                      "0 protocol@head ''\n",
    },
    {
        "a kept connection that has died is tried once more on a fresh one",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT, "GET /b "}, {CLOSE}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {EXPECT, "GET /c "}, {RESET}),
                SCRIPT({EXPECT, "GET /c "}, {SEND, REPLY(1, "c")}, {EXPECT_END})),
        .requests = {"/a", "/b", "/c"},
        .transcript = "200 ok 'a'\n200 ok 'b'\n200 ok 'c'\n",
        .retries = 2,
    },
    {
        "but not twice",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT, "GET /b "}, {CLOSE}),
                SCRIPT({EXPECT, "GET /b "}, {CLOSE})),
        .requests = {"/a", "/b"},
        .transcript = "200 ok 'a'\n0 receive@head ''\n",
        .retries = 1,
    },
    {
        "nor after a byte of the reply",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT, "GET /b "}, {SEND, "H"},
                       {CLOSE})),
        .requests = {"/a", "/b"},
        .transcript = "200 ok 'a'\n0 truncated@head '' reused\n",
    },
    {
        "nor a request that might have been carried out",
        SCRIPTS(
            SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT, "POST /b "}, {CLOSE}),
            SCRIPT({EXPECT, "DELETE /c "}, {SEND, REPLY(1, "c")}, {EXPECT, "DELETE /d "}, {CLOSE}),
            SCRIPT({EXPECT, "DELETE /d "}, {SEND, REPLY(1, "d")}, {EXPECT_END})),
        .requests = {"/a", "POST /b", "DELETE /c", "DELETE /d"},
        .transcript = "200 ok 'a'\n0 receive@head '' reused\n200 ok 'c'\n200 ok 'd'\n",
        .retries = 1,
    },
    {
        "bad URLs between good ones",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT, "GET /b "},
                       {SEND, REPLY(1, "b")}, {EXPECT_END})),
        .requests = {"ftp://127.0.0.1/", "/a", "http://127.0.0.1:99999/", "/a b", "/b",
                     "http://[::1/", "http:///"},
        .transcript = "0 url@queue ''\n200 ok 'a'\n0 url@queue ''\n0 url@queue ''\n"
                      "200 ok 'b' reused\n0 url@queue ''\n0 url@queue ''\n",
    },
    {
        "a status that counts as a failure",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, "HTTP/1.1 399 x\r\nContent-Length: 0\r\n\r\n"},
                       {EXPECT, "GET /b "},
                       {SEND, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone"},
                       {EXPECT, "GET /c "}, {SEND, REPLY(1, "c")}, {EXPECT_END})),
        .requests = {"/a", "/b", "/c"},
        .options = {.fail_status = 400},
        .transcript = "399 ok ''\n404 status@body 'none' reused\n200 ok 'c' reused\n",
    },
    {
        "a body with every request",
        SCRIPTS(SCRIPT({EXPECT, "POST /a "}, {HAS, "\r\nContent-Length: 5\r\n"},
                       {EXPECT_BODY, "x=1&y"}, {SEND, REPLY(1, "a")}, {EXPECT, "PUT /b "},
                       {EXPECT_BODY, "x=1&y"}, {SEND, REPLY(1, "b")}, {EXPECT_END})),
        .requests = {"/a", "PUT /b"},
        .options = {.body = "x=1&y", .body_length = 5, .has_body = true},
        .transcript = "200 ok 'a'\n200 ok 'b' reused\n",
    },
    {
        "a body of no bytes",
        SCRIPTS(SCRIPT({EXPECT, "POST /a "}, {HAS, "\r\nContent-Length: 0\r\n"},
                       {SEND, REPLY(1, "a")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {.has_body = true},
        .transcript = "200 ok 'a'\n",
    },
    {
        "a body just above what is sent silently",
        SCRIPTS(SCRIPT({EXPECT, "POST /a "}, {EXPECT_BODY, X5000}, {SEND, REPLY(1, "a")},
                       {EXPECT, "POST /b "}, {EXPECT_BODY, X5000}, {SEND, REPLY(1, "b")},
                       {EXPECT_END})),
        .requests = {"/a", "/b"},
        .options = {.body = X5000, .body_length = 5000, .has_body = true},
        .transcript = "200 ok 'a'\n200 ok 'b' reused\n",
    },
    {
        "a long URL and long fields",
        SCRIPTS(SCRIPT({EXPECT, "GET /" X5000 " HTTP/1.1\r\n"}, {HAS, "\r\nA: " X5000 "\r\n"},
                       {SEND, REPLY(1, "a")}, {EXPECT, "GET /" X500 " HTTP/1.1\r\n"},
                       {SEND, REPLY(1, "b")}, {EXPECT_END})),
        .requests = {"/" X5000, "/" X500},
        .options = {.headers = (const char *const[]){"A: " X5000, NULL}},
        .transcript = "200 ok 'a'\n200 ok 'b' reused\n",
    },
    {
        "a head that does not fit a block",
        SCRIPTS(SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {EXPECT_END}),
                SCRIPT({EXPECT, "GET /c "}, {SEND, REPLY(1, "c")}, {EXPECT_END})),
        .requests = {"/b", "/" X5000 X5000, "/c"},
        .options = {.headers = (const char *const[]){"A: " X5000, "B: " X5000, NULL}},
        .transcript = "200 ok 'b'\n0 url@send '' reused\n200 ok 'c'\n",
    },
};

const size_t engine_row_count = sizeof engine_rows / sizeof *engine_rows;

void engine_step(struct haul *haul, int *steps)
{
    enum { STEP_MS = 5 };
    const struct haul_result *result;
    assert_in_range(++*steps, 0, GATHERING_PATIENCE_MS / STEP_MS);
    assert_int_equal(gathering_try(haul, &result, STEP_MS), -EAGAIN);
}

char *engine_body(size_t length)
{
    char *body = malloc(length);
    assert_non_null(body);
    for (size_t i = 0; i < length; i++)
        body[i] = (char)(i * 31 + (i >> 8));
    return body;
}

void engine_check_early_reply(enum loopback_action ends_with)
{
    enum { LENGTH = 16 << 20 };
    const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "POST /a "},
               {SEND, "HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nmuch"}, {HOLD}),
        SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {ends_with}),
    };
    struct loopback *server = loopback_open(scripts, 2);
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 1, .keep_bodies = true});
    char *body = calloc(1, LENGTH);
    char url[64];
    snprintf(url, sizeof url, "%s://127.0.0.1:%u/a", gathering_scheme(), loopback_port(server));
    struct haul_request request = {.url = url, .body = body, .body_length = LENGTH};
    assert_int_equal(haul_submit(haul, &request), 0);
    gathering_submit(haul, server, "/b");
    gathering_expect_one(haul, "413 ok 'much'");
    free(body); /* the result is released: it is ours again */
    gathering_expect(haul, "200 ok 'b'\n");
    gathering_close(haul);
    assert_loopback(server);
}

void engine_check_idle_is_dropped(const struct loopback_script scripts[3])
{
    struct loopback *server = loopback_open(scripts, 3);
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 2, .keep_bodies = true});
    gathering_submit(haul, server, "/a");
    gathering_submit(haul, server, "/b");
    gathering_expect_one(haul, "200 ok 'a'");
    gathering_until_asked(haul, server, 2);
    assert_int_equal(haul->engine.pool.open, 2);
    loopback_continue(server, 0);
    for (int steps = 0; haul->engine.pool.open == 2;)
        engine_step(haul, &steps);
    gathering_submit(haul, server, "/c");
    gathering_until_finished(haul, 2);
    loopback_continue(server, 1);
    gathering_expect(haul, "200 ok 'b'\n200 ok 'c'\n");
    assert_int_equal(haul->engine.retries, 0);
    gathering_close(haul);
    assert_loopback(server);
}
