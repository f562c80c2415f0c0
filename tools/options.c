/* Owns the list of options. The idea: an option is one row, and nothing else has to be told of it:
 * parsing, --help, the manual and the completions walk the rows. */

#include "tools/options.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* "a|b|c" of the formats, and a sentence of each; what is before the first is cut off. */
#define FORMAT_WORD(id, name, manual) "|" #name
static const char format_words[] = FORMATS(FORMAT_WORD);
#define FORMAT_MANUAL(id, name, manual) " *" #name "*: " manual
static const char format_manual[] = FORMATS(FORMAT_MANUAL);

const struct option_row option_rows[] = {
    {OPTIONS_INPUT, "input", 'i', "FILE", "read URLs from FILE, one a line; - is stdin",
     .take = take_input, .repeatable = true,
     .manual = "Reads URLs from _FILE_, one a line; *-* is stdin. Blank lines, and lines that "
               "begin with *#*, are skipped; white space around a URL is ignored. Lines are read "
               "as they are needed, so that a list may be endless. A URL that cannot be used, or "
               "that is longer than 16,000 bytes, is a result with the error *url* that names "
               "its line, and the rest goes on. *[]{}* in a line are a part of the URL, see "
               "*--glob*. A list without any URL is no error; a note says so. One that is no text "
               "of UTF-8 (UTF-16, compressed, binary) cannot be read, exit status 26."},
    {OPTIONS_INPUT, "config", 'K', "FILE", "read options from FILE, one a line",
     .take = take_config, .repeatable = true,
     .manual =
         "Reads options from _FILE_, one a line, as *curl*(1) does; *-* is stdin. They count "
         "where *-K* stands. A long name may do without its dashes, and then an *=* or *:* "
         "may follow it; a value with white space is in double quotes, in which *\\\\*, *\\\"*, "
         "*\\t*, *\\n*, *\\r* and *\\v* have their usual meaning. A line that begins with "
         "*#* is a comment. *url* = _URL_ is one more URL; *output* = _NAME_ beside it is "
         "the file of its body, which appears when it is whole (*-* is stdout); in a file "
         "without *url* it is *-o*. _~/.curlrc_ is not read. A faulty line is told by file "
         "and number, exit status 2."},
    {OPTIONS_INPUT, "url", 0, "URL", "one more URL, as in a file of -K", .take = take_url,
     .repeatable = true, .is_rare = true,
     .manual = "One more URL: the same as _URL_ alone, for files of *-K*."},
    {OPTIONS_INPUT, "glob", 0, NULL, "expand []{} in lines of -i, too",
     TAKES_FLAG(inputs.list_globs),
     .manual =
         "Lines of *-i* may have globs, as arguments may. Without it a line is a URL as it is "
         "written; where a line would have been another as a glob, a note says so."},
    {OPTIONS_INPUT, "globoff", 'g', NULL, "take []{} in URLs as they are",
     TAKES_FLAG(inputs.literal),
     .manual = "Takes *[]{}* as they are, in arguments as in lines; not with *--glob*."},
    {OPTIONS_INPUT, "repeat", 0, "N", "walk the whole list N times",
     TAKES_NUMBER(uint64_t, inputs.repeat, 1, INT64_MAX), .initial = "1",
     .manual = "Walks the whole list _N_ times. What cannot be rewound (a pipe) cannot be "
               "repeated."},
    {OPTIONS_INPUT, "proto-default", 0, "http|https", "the scheme of URLs that have none",
     .take = take_proto_default, .is_rare = true,
     .manual = "The scheme of URLs, in arguments and lists, that have none: of bare hosts, as "
               "_example.org/path_. Without it such a URL is an error *url*."},
    {OPTIONS_INPUT, "url-query", 0, "DATA", "add this to the query of every URL",
     .take = take_url_query, .repeatable = true, .is_rare = true,
     .manual = "Adds _DATA_ to the query of every URL, encoded: _content_, *=*_content_, "
               "_name_*=*_content_, *@*_file_ or _name_*@*_file_, of which the name goes out as it "
               "is; or *+*_content_, all as it is. Several are joined by *&*."},
    {OPTIONS_REQUEST, "request", 'X', "METHOD", "the method, instead of GET or POST",
     TAKES_TEXT(engine.method),
     .manual =
         "The method, instead of GET, or POST where there is data. CONNECT is refused. POST, PUT "
         "and PATCH without data say that their length is 0."},
    {OPTIONS_REQUEST, "header", 'H', "'Name: value'|@FILE", "send this header with every request",
     .take = take_header, .repeatable = true,
     .manual = "A header sent with every request. It replaces a default header of that name; "
               "_Name:_ alone removes it, and _Name;_ sends it with an empty value. *@*_FILE_ has "
               "one a line (*@-*: stdin); empty lines are passed over. A value with "
               "a CR, LF or other control byte is refused, as are Content-Length and "
               "Transfer-Encoding."},
    {OPTIONS_REQUEST, "user-agent", 'A', "NAME", "the User-Agent", TAKES_TEXT(engine.user_agent),
     .initial = "haul/" HAUL_VERSION, .manual = "The User-Agent. An empty one sends none."},
    {OPTIONS_REQUEST, "referer", 'e', "URL", "send this Referer", .take = take_referer,
     .is_rare = true, .manual = "Sends this Referer. A *-H* of that name goes before."},
    {OPTIONS_REQUEST, "http1.0", '0', NULL, "send requests of HTTP/1.0",
     TAKES_CONSTANT(uint32_t, transport.http_version, 10), .is_rare = true,
     .manual = "Sends requests of HTTP/1.0, each over a connection of its own unless *-H* says "
               "_Connection: keep-alive_."},
    {OPTIONS_REQUEST, "http1.1", 0, NULL, "send requests of HTTP/1.1, as ever",
     TAKES_CONSTANT(uint32_t, transport.http_version, 11), .is_rare = true,
     .manual = "Sends requests of HTTP/1.1, which is what haul does without it."},
    {OPTIONS_REQUEST, "user", 'u', "USER:PASSWORD", "send these, as Basic", .take = take_user,
     .is_rare = true,
     .manual = "Sends these credentials with every request; see *CREDENTIALS*. A _USER_ without "
               "a colon is asked for the password on the terminal; where there is none, that is "
               "exit status 2. What is on the command line is overwritten as soon as it is read, "
               "so that *ps*(1) shows it for a moment only; in a file of *-K* it is not seen at "
               "all."},
    {OPTIONS_REQUEST, "basic", 0, NULL, "send -u as Basic, as ever",
     TAKES_CONSTANT(bool, auth.digest, false), .is_rare = true,
     .manual = "Sends *-u* as Basic, which is what haul does without it; of this and *--digest* "
               "the last counts."},
    {OPTIONS_REQUEST, "digest", 0, NULL, "send -u to who asks for it by Digest alone",
     TAKES_FLAG(auth.digest), .is_rare = true,
     .manual = "User and password, wherever they are from, are sent to nobody who has not asked "
               "for them by Digest, and never as Basic; see *CREDENTIALS*. Not with "
               "*--oauth2-bearer*."},
    {OPTIONS_REQUEST, "oauth2-bearer", 0, "TOKEN", "send this token, as Bearer",
     .take = take_bearer, .is_rare = true,
     .manual = "Sends this token with every request, as _Authorization: Bearer TOKEN_, instead "
               "of user and password; it is overwritten on the command line as *-u* is."},
    {OPTIONS_REQUEST, "netrc", 'n', NULL, "take users and passwords from ~/.netrc",
     TAKES_FLAG(has_netrc), .is_rare = true,
     .manual = "Takes users and passwords from _~/.netrc_, by the host of each URL; see "
               "*CREDENTIALS*. Where there is no such file a note says so."},
    {OPTIONS_REQUEST, "netrc-file", 0, "FILE", "take them from FILE", TAKES_TEXT(netrc_file),
     .is_rare = true, .manual = "As *-n*, but from _FILE_, which must be there."},
    {OPTIONS_REQUEST, "netrc-optional", 0, NULL, "as -n, and a password in a URL goes before",
     TAKES_FLAG(auth.netrc_optional), .is_rare = true,
     .manual = "As *-n*, but a password in a URL goes before that of the file, and the file need "
               "not be there."},
    {OPTIONS_REQUEST, "range", 'r', "RANGE", "ask for these bytes: 0-499, 500-, -500",
     .take = take_range, .is_rare = true,
     .manual = "Asks for these bytes of each body: *0-499*, *500-*, or *-500* for the last; "
               "several with commas come as one body of type multipart/byteranges. A server that "
               "knows none sends the whole, with status 200."},
    {OPTIONS_REQUEST, "head", 'I', NULL, "ask by HEAD, for heads only", TAKES_FLAG(head),
     .manual = "Asks by HEAD, for the head of the reply only."},
    {OPTIONS_REQUEST, "compressed", 0, NULL, "ask for coded bodies, and decode them",
     TAKES_FLAG(engine.compressed), .is_rare = true,
     .manual =
         "Asks for bodies in the content codings that were built in (*haul -V* lists them: "
         "gzip, deflate, br, zstd), unless *-H* has an Accept-Encoding, and decodes them; see "
         "*CODED BODIES*."},
    {OPTIONS_REQUEST, "path-as-is", 0, NULL, "leave . and .. in paths",
     TAKES_FLAG(engine.path_as_is), .is_rare = true,
     .manual = "Leaves the segments *.* and *..* in the path, which are removed else."},
    {OPTIONS_REQUEST, "data", 'd', "DATA|@FILE", "send this body; line ends of a file left out",
     .take = take_data, .repeatable = true,
     .manual = "Sends _DATA_ as the body of every request, by POST unless *-X* says otherwise, "
               "and as application/x-www-form-urlencoded unless *-H* says otherwise. *@*_FILE_ "
               "takes it from a file (*@-*: stdin), without its line ends and NUL bytes. Several "
               "are joined by *&*."},
    {OPTIONS_REQUEST, "data-binary", 0, "DATA|@FILE", "send this body as it is", .is_rare = true,
     .take = take_data_binary, .repeatable = true,
     .manual = "As *-d*, but *@*_FILE_ is sent as it is."},
    {OPTIONS_REQUEST, "data-raw", 0, "DATA", "send this body, an @ of it as it is",
     .take = take_data_raw, .repeatable = true, .is_rare = true,
     .manual = "As *-d*, but an *@* at its begin is a part of it."},
    {OPTIONS_REQUEST, "data-urlencode", 0, "DATA", "send this body, encoded",
     .take = take_data_urlencode, .repeatable = true, .is_rare = true,
     .manual = "As *-d*, encoded: _content_, *=*_content_, _name_*=*_content_, *@*_file_ or "
               "_name_*@*_file_, of which the name goes out as it is, and a space as *+*."},
    {OPTIONS_REQUEST, "json", 0, "DATA|@FILE", "send this body as JSON", .take = take_json,
     .repeatable = true, .is_rare = true,
     .manual = "As *--data-binary*, with _Content-Type: application/json_ and _Accept: "
               "application/json_ unless *-H* says otherwise. Several are joined by nothing."},
    {OPTIONS_REQUEST, "get", 'G', NULL, "put what -d has into the URL", .take = take_get,
     .is_rare = true,
     .manual = "Puts what *-d* and its like have into the query of every URL instead, and asks by "
               "GET."},
    {OPTIONS_REQUEST, "form", 'F', "NAME=CONTENT", "send a form of parts, and files",
     .take = take_form, .repeatable = true, .is_rare = true,
     .manual =
         "Sends a form of parts (multipart/form-data), of which this is one: _name_*=*_value_, "
         "_name_*=@*_file_ with the file and its name, or _name_*=<*_file_ with what the file has "
         "(*-*: stdin). Behind it may stand *;type=*_type_ and *;filename=*_name_. What has a "
         "semicolon or comma is in double quotes. Several files of one field, "
         "_name_*=@*_file_*,*_file_, are parts of it (multipart/mixed), and so are all *-F* "
         "between "
         "_name_*=(* and *=)*. Files of any size are read as they are sent."},
    {OPTIONS_REQUEST, "form-string", 0, "NAME=VALUE", "the same, a value as it is",
     .take = take_form_string, .repeatable = true, .is_rare = true,
     .manual = "As *-F*, but *@*, *<* and *;* in the value have no meaning."},
    {OPTIONS_REQUEST, "upload-file", 'T', "FILE", "send FILE to every URL, by PUT",
     .take = take_upload, .is_rare = true,
     .manual =
         "Sends _FILE_ to every URL, by PUT unless *-X* says otherwise; its name is added to a URL "
         "whose path ends in a slash. It is read as it is sent, whatever its size. *-* is stdin, "
         "which goes out in chunks; where it is no file, it is read once, and goes to the first "
         "URL alone: others, and what would have to be sent again, are an error *rewind*. See "
         "*UPLOADS*."},
    {OPTIONS_CONTROL, "concurrency", 'c', "N", "requests under way at once",
     TAKES_NUMBER(uint32_t, engine.concurrency, 1, 100000), .initial = "64",
     .of_curl = "curl's -c FILE keeps cookies, which haul does not; -H 'Cookie: NAME=VALUE' sends "
                "one",
     .manual = "Requests under way, and connections open, at once: a hard bound. RLIMIT_NOFILE "
               "is raised to its hard limit; what it does not allow is lowered, with a note."},
    {OPTIONS_CONTROL, "parallel-max", 0, "N", "the same, by curl's name",
     TAKES_NUMBER(uint32_t, engine.concurrency, 1, 100000), .is_rare = true, .manual = "As *-c*."},
    {OPTIONS_CONTROL, "parallel", 'Z', NULL, "nothing: requests always go side by side",
     TAKES_NOTHING, .is_rare = true,
     .manual = "For commands of *curl*(1): does nothing, as requests always go side by side."},
    {OPTIONS_CONTROL, "parallel-immediate", 0, NULL, "nothing, likewise", TAKES_NOTHING,
     .is_rare = true,
     .manual =
         "For commands of *curl*(1): does nothing; a connection is opened where none is idle."},
    {OPTIONS_CONTROL, "eager", 0, NULL, "take each reply as it comes",
     TAKES_CONSTANT(bool, transport.eager, true), .is_rare = true,
     .manual = "With 32 requests or more under way haul waits for several replies at once, at most "
               "1 ms, which saves wake-ups; a lone reply may be told so much later. With this each "
               "one is taken as it comes. *haul bench* always does so."},
    {OPTIONS_CONTROL, "window", 0, "N", "results held at once",
     TAKES_NUMBER(uint32_t, engine.window, 1, 4194304),
     .manual =
         "Results held at once, from the sending of a request to the writing of its line. "
         "Without it: the concurrency and at least 1,024 more, at most 4,096 more; with "
         "*--unordered* and several hosts 16,384 more (of what keeps heads, bodies or the URLs of "
         "hops a half, a third or a fourth of that, for two, three or four of these)."},
    {OPTIONS_CONTROL, "max-time", 'm', "SECONDS", "for one request, start to last byte",
     TAKES_SECONDS(engine.max_time_ms), .initial = "300",
     .manual =
         "For one request, from its start to its last byte, redirects included, of each try anew."},
    {OPTIONS_CONTROL, "connect-timeout", 0, "SECONDS", "for name, connection and TLS together",
     TAKES_SECONDS(engine.connect_timeout_ms), .initial = "10",
     .manual =
         "For the name, the connection and TLS together, of each hop and try anew. For so long DNS "
         "servers that do "
         "not answer are asked again, see *NAMES* (with *0* seven times); the error then "
         "is *deadline*."},
    {OPTIONS_CONTROL, "idle-timeout", 0, "SECONDS", "how long a kept connection may be idle",
     TAKES_SECONDS(engine.idle_timeout_ms), .initial = "60", .is_rare = true,
     .manual = "A connection that has been idle for so long is not used again; see *KEPT "
               "CONNECTIONS*. With *0* only what the reply's Keep-Alive field says counts."},
    {OPTIONS_CONTROL, "on-error", 0, "collect|cancel", "cancel: the first failure ends all others",
     TAKES_WORD(bool, engine.cancel_on_error), .initial = "collect",
     .manual = "*collect*: every request goes its way, whatever happens to others. *cancel*: the "
               "first failure ends all requests that are not finished, and no further input is "
               "taken. They are reported as *cancelled*, or as *not_started*; a note says where "
               "the inputs were left."},
    {OPTIONS_CONTROL, "fail", 'f', NULL, "a status from 400 on is a failure",
     TAKES_CONSTANT(int, engine.fail_status, 400),
     .manual = "A status from 400 on is a failure, with the error *status*. *--body* has its body "
               "all the same, but it gets no file of *--bodies*, *-O* or *output*, and *--format "
               "body* leaves it out."},
    {OPTIONS_CONTROL, "fail-with-body", 0, NULL, "the same, and its body is kept",
     TAKES_FLAG(keeps_failed), .is_rare = true,
     .manual = "As *-f*, but the body is kept like any other. Not with *-f*."},
    {OPTIONS_CONTROL, "strict", 0, NULL, "what is odd about a reply is an error",
     TAKES_FLAG(engine.strict),
     .manual = "What is odd about a reply, see *REPLIES*, is an error, *protocol*; else it is "
               "read as browsers and curl do, and named."},
    {OPTIONS_CONTROL, "max-head", 0, "BYTES", "the longest head of a reply",
     TAKES_NUMBER(uint32_t, engine.max_head, 1, 16 << 20), .initial = "262144", .is_rare = true,
     .manual = "The longest head of a reply. One that is longer is an error *limit*."},
    {OPTIONS_CONTROL, "max-body", 0, "BYTES", "the longest body of a reply",
     TAKES_NUMBER(uint64_t, engine.max_body, 0, INT64_MAX),
     .manual = "The longest body of a reply, in bytes as they are handed out, without the framing. "
               "A longer one is an error *limit*: at its head, where a Content-Length says so; "
               "else when so many bytes have come, and these are handed out. *0* is no limit."},
    {OPTIONS_CONTROL, "max-filesize", 0, "BYTES", "the same, by curl's name",
     TAKES_NUMBER(uint64_t, engine.max_body, 0, INT64_MAX), .is_rare = true,
     .manual = "As *--max-body*."},
    {OPTIONS_CONTROL, "location", 'L', NULL, "follow redirects", TAKES_FLAG(redirect.follow),
     .manual = "Follows redirects; see *REDIRECTS*."},
    {OPTIONS_CONTROL, "max-redirs", 0, "N", "follow at most N; -1: any number",
     TAKES_NUMBER(int64_t, redirect.max, -1, INT32_MAX), .initial = "30", .is_rare = true,
     .manual = "Follows at most _N_ redirects of a request; one more is the error *redirect*. *-1* "
               "is no limit."},
    {OPTIONS_CONTROL, "post301", 0, NULL, "POST stays POST behind a 301",
     TAKES_FLAG(redirect.post301), .is_rare = true, .manual = "POST stays POST behind a 301."},
    {OPTIONS_CONTROL, "post302", 0, NULL, "the same behind a 302", TAKES_FLAG(redirect.post302),
     .is_rare = true, .manual = "The same behind a 302."},
    {OPTIONS_CONTROL, "post303", 0, NULL, "the same behind a 303", TAKES_FLAG(redirect.post303),
     .is_rare = true, .manual = "The same behind a 303."},
    {OPTIONS_CONTROL, "location-trusted", 0, NULL, "as -L, and credentials go along everywhere",
     TAKES_FLAG(redirect.location_trusted), .is_rare = true,
     .manual = "As *-L*, and Authorization, Cookie, Proxy-Authorization and the client "
               "certificate go along to other origins: to whatever hosts the replies name."},
    {OPTIONS_CONTROL, "retry", 0, "N", "try what fails in passing again, N times",
     TAKES_NUMBER(uint32_t, retry.max, 0, 1000000), .initial = "0",
     .manual = "Tries what fails in passing again, at most _N_ times a request; see *RETRIES*."},
    {OPTIONS_CONTROL, "retry-delay", 0, "SECONDS", "before each retry; 0: 1 s at most, doubled",
     TAKES_SECONDS(retry.delay_ms), .initial = "0", .is_rare = true,
     .manual = "Waits so long before each retry. *0* is a random time below 1 second before the "
               "first one, below twice as long before each other, at most 60 seconds."},
    {OPTIONS_CONTROL, "retry-max-time", 0, "SECONDS", "for all tries and waits; 0: no limit",
     TAKES_SECONDS(retry.max_time_ms), .initial = "0", .is_rare = true,
     .manual = "For all tries of a request and the waits between them: a try that is not over then "
               "ends, and none is begun that would begin later. Counts only with *--retry*. *0* is "
               "no limit."},
    {OPTIONS_CONTROL, "retry-all-methods", 0, NULL, "also what may have been acted upon",
     TAKES_FLAG(retry.all_methods), .is_rare = true,
     .manual = "Tries requests again whatever their method: a server may then act upon a POST "
               "twice."},
    {OPTIONS_CONTROL, "retry-connrefused", 0, NULL, "nothing: --retry does so anyway",
     TAKES_NOTHING, .is_rare = true,
     .manual = "For commands of *curl*(1): does nothing, as a refused connection is tried again by "
               "*--retry* alone."},
    {OPTIONS_CONTROL, "retry-budget", 0, "PERCENT", "retries for each 100 requests at most",
     TAKES_NUMBER(uint32_t, retry.budget_percent, 0, 100), .is_rare = true,
     .manual =
         "At most so many retries for each 100 requests begun so far, but never fewer than 10 "
         "in all. Without it there is no such bound."},
    {OPTIONS_CONTROL, "max-ratio", 0, "N", "most bytes decoded of one that came",
     TAKES_NUMBER(uint64_t, max_ratio, 0, INT64_MAX), .initial = "1000", .is_rare = true,
     .manual = "With *--compressed*: a body of which more than 1 MiB is decoded, and more than _N_ "
               "bytes of each one that came, over all its codings, is an error *limit*. *0* is no "
               "limit."},
    {OPTIONS_CONTROL, "loop", 0, "auto|uring|epoll", "the kernel interface",
     TAKES_WORD(enum haul_loop, engine.loop), .initial = "auto",
     .manual = "The kernel interface. *auto* is io_uring, or epoll where io_uring is refused; a "
               "note then says why."},
    {OPTIONS_CONTROL, "ipv4", '4', NULL, "connect over IPv4 alone",
     TAKES_CONSTANT(uint32_t, transport.ip_family, 4), .is_rare = true,
     .manual = "Asks for addresses of IPv4 alone, and connects to no others: one that is written "
               "in the URL is an error *connect*. The last of *-4* and *-6* counts."},
    {OPTIONS_CONTROL, "ipv6", '6', NULL, "connect over IPv6 alone",
     TAKES_CONSTANT(uint32_t, transport.ip_family, 6), .is_rare = true,
     .manual = "As *-4*, with IPv6."},
    {OPTIONS_CONTROL, "interface", 0, "NAME|ADDRESS", "connect from here",
     TAKES_TEXT(transport.interface), .is_rare = true,
     .manual = "Connects from the interface of this _NAME_, whatever the routes say (where that "
               "is not allowed, from its address), or from this _ADDRESS_ of the machine, and then "
               "over its family alone. *if!*_NAME_ and *host!*_ADDRESS_ say which is meant. What "
               "is neither is exit status 45. DNS servers are asked as ever."},
    {OPTIONS_CONTROL, "dns-servers", 0, "HOST[:PORT],...", "ask these servers for names",
     TAKES_TEXT(engine.dns_servers),
     .manual = "Asks these servers for names, instead of the system's; see *NAMES*."},
    {OPTIONS_CONTROL, "connect-to", 0, "HOST1:PORT1:HOST2:PORT2",
     "for HOST1:PORT1 connect to HOST2:PORT2", TAKES_TEXTS(connect_to),
     .manual = "For URLs with _HOST1_ and _PORT1_ connects to _HOST2_ and _PORT2_ instead. An "
               "empty _HOST1_ or _PORT1_ is any, an empty _HOST2_ or _PORT2_ that of the URL. "
               "IPv6 literals are in brackets. The first that matches counts. The request, SNI "
               "and the check of the certificate go by the URL as ever."},
    {OPTIONS_CONTROL, "resolve", 0, "[+]HOST:PORT:ADDRESS[,ADDRESS]...",
     "addresses of a host, without a lookup", TAKES_TEXTS(resolve),
     .manual = "For _HOST_ and _PORT_ connects to these addresses, at most 8, in this order, "
               "without a lookup. A _HOST_ of *\\** is every one that has none of its own. With "
               "*+* they hold for a minute, and then the name is looked up. The last for a host "
               "and port counts, and *-*_HOST_:_PORT_ takes away those before it. Where "
               "*--connect-to* leads elsewhere, that host and port are meant."},
    {OPTIONS_CONTROL, "max-per-host", 0, "N", "connections to one host at once",
     TAKES_NUMBER(uint32_t, limits.max_per_host, 1, 100000), .is_rare = true,
     .manual = "Connections to one host (name and port, of IP literals address and port) at once; "
               "those that are idle count too. Without it only *-c* bounds them. See *LIMITS*."},
    {OPTIONS_CONTROL, "max-per-address", 0, "N", "connections to one address at once",
     TAKES_NUMBER(uint64_t, limits.max_per_address, 1, 100000), .is_rare = true,
     .manual = "Connections to one address at once, whatever names and ports lead there; those "
               "that are idle count, and of attempts side by side each at its own address. See "
               "*LIMITS*."},
    {OPTIONS_CONTROL, "rate", 0, "N/s|N/m|N/h|N/d|N/TIME", "requests begun in that time",
     TAKES_RATE(limits.rate), .is_rare = true,
     .manual = "So many requests are begun in that time, evenly spaced: *100/s*, *30/m*, *5k/h*, "
               "*2/100ms*. Hops and retries count. A number without a time is refused, as "
               "*curl*(1) takes it by the hour and *haul bench* by the second. See *LIMITS*."},
    {OPTIONS_CONTROL, "rate-per-host", 0, "N/s|N/m|N/h|N/d|N/TIME",
     "requests begun for one host in that time", TAKES_RATE(limits.rate_per_host), .is_rare = true,
     .manual = "The same for each host alone. See *LIMITS*."},
    {OPTIONS_CONTROL, "delay-per-host", 0, "SECONDS", "from one request for a host to the next",
     TAKES_SECONDS(limits.delay_per_host_ms), .is_rare = true,
     .manual = "From the beginning of one request for a host to that of the next, at least. Hops "
               "and retries count. See *LIMITS*."},
    {OPTIONS_CONTROL, "adaptive", 0, NULL, "slow down hosts that say 429 or 503",
     TAKES_CONSTANT(uint32_t, limits.adaptive, 1), .is_rare = true,
     .manual = "A reply of 429 or 503 lowers by half how many requests its host has under way, "
               "and none is begun for it until its Retry-After is over (at most 10 minutes); "
               "replies of other statuses below 500 raise it again. See *LIMITS*."},
    {OPTIONS_CONTROL, "queue-timeout", 0, "SECONDS", "for waiting to begin",
     TAKES_SECONDS(times.queue_ms), .is_rare = true,
     .manual = "For waiting to begin, each time that a request does: for its turn, for room, "
               "before a retry. The error is *deadline*, in the stage *queue*."},
    {OPTIONS_CONTROL, "resolve-timeout", 0, "SECONDS", "for the addresses of a host",
     TAKES_SECONDS(times.resolve_ms), .is_rare = true,
     .manual = "For the addresses of a host, which *--connect-timeout* counts too. The error "
               "is *deadline*, in the stage *resolve*."},
    {OPTIONS_CONTROL, "tls-timeout", 0, "SECONDS", "for a handshake", TAKES_SECONDS(times.tls_ms),
     .is_rare = true,
     .manual = "For a TLS handshake, which *--connect-timeout* counts too. The error is "
               "*deadline*, in the stage *tls*."},
    {OPTIONS_CONTROL, "first-byte-timeout", 0, "SECONDS",
     "from a request to its reply's first byte", TAKES_SECONDS(times.first_byte_ms),
     .is_rare = true,
     .manual = "From when a request is sent to the first byte of its reply. The error is "
               "*deadline*, in the stage *head*."},
    {OPTIONS_CONTROL, "speed-limit", 'Y', "BYTES", "a second that a reply must come at",
     TAKES_NUMBER(int64_t, times.speed_limit, 1, INT64_MAX / 2), .is_rare = true,
     .manual = "A reply that comes slower than so many bytes a second for *--speed-time* is an "
               "error *deadline*, in the stage *head* or *body*. Counted from when the request "
               "is sent, and only while haul reads: what it has paused, for memory, for the order "
               "or for whoever takes its output, never stalls. With *-y* alone it is 1."},
    {OPTIONS_CONTROL, "speed-time", 'y', "SECONDS", "how long a reply may be slower",
     TAKES_SECONDS(times.speed_ms), .is_rare = true,
     .manual = "How long a reply may be slower than *--speed-limit*; with *-Y* alone 30."},
    {OPTIONS_CONTROL, "deadline", 0, "SECONDS", "for the whole run",
     TAKES_SECONDS(limits.deadline_ms), .is_rare = true,
     .manual = "For the whole run, which then ends as by Ctrl-C: what is under way is an "
               "error *deadline*, what was not begun is *not_started*, no further input is "
               "taken, and the exit status is 28."},
    {OPTIONS_CONTROL, "deny-address", 0, "private|ADDRESS|CIDR",
     "connect to none of these addresses", TAKES_TEXTS(deny), .is_rare = true,
     .manual =
         "Connects to none of these addresses, whatever leads there: names, *--resolve*, "
         "*--connect-to*, redirects. *10.0.0.0/8* and *fc00::/7* are ranges. *private* is "
         "everything that IANA's registries of special-purpose addresses do not call globally "
         "reachable: loopback, link-local (169.254.169.254 among it), private use, "
         "100.64.0.0/10, 0.0.0.0/8, documentation, unique local, reserved; and multicast. An "
         "IPv6 address that carries one of IPv4 (mapped, 64:ff9b::/96, 2002::/16) is judged "
         "by that. Other addresses of a host are used; where it has none, nothing is sent, and "
         "the error is *denied*, exit status 9. Connections to DNS servers are not concerned."},
    {OPTIONS_TLS, "cacert", 0, "FILE", "roots to trust instead of the system's",
     TAKES_TEXT(tls.ca_file),
     .manual = "Trusts the roots of _FILE_ (PEM) instead of the system's. _FILE_ may be a pipe, "
               "as may those of *--cert* and *--key*: *--cacert <(*_command_*)* in bash."},
    {OPTIONS_TLS, "capath", 0, "DIR", "a directory of such roots", TAKES_TEXT(tls.ca_directory),
     .manual = "Trusts the roots of every regular file of _DIR_ (PEM), instead of the system's. "
               "With *--cacert*: those of both. _DIR_ may be several directories with colons "
               "between them; of these one that cannot be read is passed over, but not all of "
               "them."},
    {OPTIONS_TLS, "cert", 'E', "FILE", "show this client certificate",
     TAKES_TEXT(tls.client_certificate),
     .manual = "Shows the client certificate of _FILE_ (PEM) to servers that ask for one, in the "
               "handshake or, by TLS 1.3, later: its own certificate first, then those of its "
               "issuers."},
    {OPTIONS_TLS, "key", 0, "FILE", "its private key", TAKES_TEXT(tls.client_key),
     .manual = "The private key of *--cert* (PEM: PKCS#1, SEC1 or PKCS#8, RSA or EC, not "
               "encrypted). Without it the key is in the file of *--cert*."},
    {OPTIONS_TLS, "pinnedpubkey", 0, "sha256//BASE64[;sha256//BASE64]...",
     "the server's key must be one of these", .take = take_pins,
     .manual = "The server's public key must be one of these: SHA-256 of its "
               "SubjectPublicKeyInfo, in base64. This is asked for beside all other rules, and "
               "is the only one that *-k* leaves. Another key is exit status 90."},
    {OPTIONS_TLS, "insecure", 'k', NULL, "take any certificate", TAKES_FLAG(tls.insecure),
     .manual = "Takes any certificate. Whoever can reach the connection can then read and change "
               "what it carries: a warning says so. With *-v* each result has what would have "
               "been wrong."},
    {OPTIONS_TLS, "tls-legacy", 0, NULL, "allow TLS 1.0, CBC, SHA-1, short RSA keys",
     TAKES_FLAG(tls.legacy),
     .manual = "Allows what is too weak to be on by default: TLS 1.0 and 1.1, suites of CBC, "
               "SHA-1, and RSA keys of 1,024 bits."},
    {OPTIONS_TLS, "tls-backend", 0, "auto|bearssl|openssl", "the library of TLS",
     TAKES_WORD(enum haul_backend, tls.backend), .initial = "auto", .is_rare = true,
     .manual =
         "*bearssl* has TLS 1.2, and what *--tls-legacy* adds. *openssl* has TLS 1.3 and 1.2, and "
         "certificates of Ed25519, Ed448 and RSA-PSS; *haul -V* says whether it is there. It "
         "is loaded by the first https URL, not by plain http. "
         "*auto* takes BearSSL, and OpenSSL for a server that BearSSL cannot reach, which it finds "
         "out by a first connection: an alert 40, 70, 71 or 109, an end in answer to the hello, or "
         "a key or signature that BearSSL has not. The second one is made inside the same "
         "deadlines and is no attempt of its own; further ones to that server begin with OpenSSL. "
         "With a *--cert* of a key that BearSSL has not, all begin with OpenSSL. "
         "Who knows that all servers speak TLS 1.3 saves that by *openssl*. Certificates are "
         "checked by the same rules with either."},
    {OPTIONS_TLS, "tlsv1.2", 0, NULL, "TLS 1.2 or later", TAKES_CONSTANT(int, tls_min, 1),
     .is_rare = true, .manual = "No version before TLS 1.2, which is so without *--tls-legacy*."},
    {OPTIONS_TLS, "tlsv1.3", 0, NULL, "TLS 1.3 or later", TAKES_CONSTANT(int, tls_min, 2),
     .is_rare = true,
     .manual =
         "No version before TLS 1.3: by OpenSSL. Not with *--tls-legacy* or "
         "*--tls-backend bearssl*, nor where OpenSSL is not built in, or its libraries are not "
         "there to be loaded: exit status 2."},
    {OPTIONS_TLS, "tls-max", 0, "default|1.2|1.3", "no later version of TLS",
     TAKES_WORD(int, tls_max), .initial = "default", .is_rare = true,
     .manual = "No later version than this one; *default* is the last there is."},
    {OPTIONS_OUTPUT, "format", 0, format_words + 1, "what is written of each result",
     .take = take_format, TAKE_AT(enum sink_format, sink.format), .initial = "ndjson",
     .manual = format_manual + 1},
    {OPTIONS_OUTPUT, "output", 'o', "FILE", "write to FILE, which is whole or not there",
     .take = take_output,
     .manual = "Writes to _FILE_ instead of stdout: to a temporary file beside it, which is "
               "renamed when it is whole, so that _FILE_ is never half a result. After Ctrl-C it "
               "holds what was gathered until then. After a failure to write, _FILE_ is as it "
               "was. What is no regular file is written as it is."},
    {OPTIONS_OUTPUT, "remote-name", 'O', NULL, "each body into a file of the URL's name",
     TAKES_FLAG(remote_names),
     .manual = "Writes the body of every URL to a file that is named by the last segment of its "
               "path, as it is written: what an escape stands for is not decoded. A URL that ends "
               "in no such name, or in *.* or *..*, is an error *url*. A file from before is "
               "replaced when the body is whole. No two URLs of a run share a file: the second of "
               "a _NAME_ is _NAME_*.1*, as *body_file* tells. What is remembered of the names is "
               "32 bytes a URL. The results go where they go without it."},
    {OPTIONS_OUTPUT, "output-dir", 0, "DIR", "where the files of -O go", .is_rare = true,
     TAKES_TEXT(sink.files.output_dir),
     .manual = "The directory of the files of *-O*, and of *output* beside a *url* in a file of "
               "*-K* unless that begins with a slash. It is made where it is missing."},
    {OPTIONS_OUTPUT, "create-dirs", 0, NULL, "make what leads to their directories",
     TAKES_FLAG(sink.files.creates_directories), .is_rare = true,
     .manual = "Makes the directories that lead to those of *--bodies* and *--output-dir*, and to "
               "the file of *-o* and of an *output* in a file of *-K*."},
    {OPTIONS_OUTPUT, "write-out", 'w', "TEXT|@FILE", "write this after each result",
     .take = take_write_out,
     .manual = "Writes _TEXT_, or what _FILE_ has (*@-*: stdin), to stdout after each result, in "
               "its order; without *--format* and *-o* no other lines are written. See "
               "*VARIABLES*."},
    {OPTIONS_OUTPUT, "headers", 0, NULL, "the reply's headers into the NDJSON",
     TAKES_FLAG(sink.headers), .manual = "Adds the reply's headers to the NDJSON."},
    {OPTIONS_OUTPUT, "body", 0, NULL, "the reply's body into the NDJSON", TAKES_FLAG(sink.body),
     .manual = "Adds the reply's body to the NDJSON. A body above 16 MiB is an error *limit*."},
    {OPTIONS_OUTPUT, "verbose", 'v', NULL, "TLS, redirects, retries into the NDJSON",
     TAKES_FLAG(sink.verbose),
     .manual = "Adds what TLS agreed on to the NDJSON, with *-L* each hop that was "
               "followed, and with *--retry* each try that another one followed."},
    {OPTIONS_OUTPUT, "bodies", 0, "DIR", "each body into a file of its own",
     TAKES_TEXT(sink.files.directory),
     .manual = "Writes every body of a whole reply to a file in _DIR_, named by the request's "
               "index in at least six digits. _DIR_ is made where it is missing. A file appears "
               "only when it is whole. Bodies may have any size, except together with *--body*."},
    {OPTIONS_OUTPUT, "unordered", 0, NULL, "in the order of completion",
     TAKES_FLAG(engine.unordered),
     .manual = "Writes results as they complete. _index_ still says which argument they belong "
               "to."},
    {OPTIONS_OUTPUT, "no-progress", 0, NULL, "no progress line", TAKES_FLAG(no_progress),
     .manual = "No progress line. There is one only where stderr is a terminal, and results do "
               "not go to one. It tells how many results are there, of how many (*~*: by the size "
               "of the list); the rate, or for how long nothing has come (_silent_), or that there "
               "is no input to read; the failures; the time left; how many requests are in flight; "
               "and how many are _held_: finished, and behind one in the order that is not."},
    {OPTIONS_OUTPUT, "quiet", 'q', NULL, "no progress, summary, notes or warnings",
     TAKES_FLAG(quiet),
     .manual = "No progress, no summary, no notes, no warnings. *-s* and *--silent*, as in "
               "*curl*(1), are the same."},
    {OPTIONS_OUTPUT, "show-error", 'S', NULL, "with -q, a line a failure on stderr",
     TAKES_FLAG(shows_errors), .is_rare = true,
     .manual = "Beside *-q* writes a line for each failure to stderr, and, for one URL with *-o* "
               "and no *--format*, the note that the page itself is *--format body*; without *-q* "
               "the summary tells."},
    {OPTIONS_OUTPUT, "no-buffer", 'N', NULL, "nothing: results are written as they come",
     TAKES_NOTHING, .is_rare = true,
     .manual = "For commands of *curl*(1): does nothing, as results are written as they come."},
    {OPTIONS_OUTPUT, "progress-bar", '#', NULL, "nothing: there is a progress line", TAKES_NOTHING,
     .is_rare = true, .manual = "For commands of *curl*(1): does nothing, see *--no-progress*."},
    {OPTIONS_ABOUT, "budget", 0, NULL, "where the memory of a run goes",
     TAKES_CONSTANT(enum args_action, action, ARGS_BUDGET),
     .manual = "Prints where the memory of a run with these options goes, and exits."},
    {OPTIONS_ABOUT, "help", 'h', NULL, "this list",
     TAKES_CONSTANT(enum args_action, action, ARGS_HELP),
     .manual =
         "Prints the options, and exits; with a word after it, what they do: of *all*, of those "
         "of a section (*input*, *request*, *control*, *tls*, *output*, *about*), or of one; or "
         "the exit codes: *exits*."},
    {OPTIONS_ABOUT, "version", 'V', NULL, "the version",
     TAKES_CONSTANT(enum args_action, action, ARGS_VERSION),
     .manual = "Prints the version, which libidn2 reads hosts beyond ASCII, and which content "
               "codings *--compressed* decodes, and exits."},
};

const size_t option_count = sizeof(option_rows) / sizeof(option_rows[0]);

#define OPTION_GROUP_NAME(id, name) name,
const char *const option_groups[] = {OPTION_GROUPS(OPTION_GROUP_NAME)};
const int option_group_count = sizeof(option_groups) / sizeof(option_groups[0]);

/* --- names ------------------------------------------------------------------------------------ */

char *option_name(const struct option_row *row, char *buffer)
{
    if (row->letter != 0)
        snprintf(buffer, OPTION_NAME_BYTES, "-%c/--%s", row->letter, row->name);
    else
        snprintf(buffer, OPTION_NAME_BYTES, "--%s", row->name);
    return buffer;
}

const struct option_row *option_of_letter(int letter)
{
    for (size_t i = 0; i < option_count; i++)
        if (option_rows[i].letter != 0 && option_rows[i].letter == letter)
            return &option_rows[i];
    return NULL;
}

/* --- what was meant --------------------------------------------------------------------------- */

enum { WORD_MAX = 32 }; /* longer words are no misspelt option */

static unsigned least_of(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How many letters to add, drop, change or swap with their neighbour make b of a (optimal string
 * alignment), both at most WORD_MAX long. */
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned rows[3][WORD_MAX + 1];
    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_length; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *second = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            row[j] =
                least_of(above[j - 1] + (a[i - 1] != b[j - 1]), 1 + least_of(above[j], row[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least_of(row[j], second[j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

unsigned words_distance(const char *word, size_t length, const char *other)
{
    size_t other_length = strlen(other);
    if (length > WORD_MAX || other_length > WORD_MAX)
        return UINT_MAX;
    return distance(word, length, other, other_length);
}

/* NULL: none is so near that it may have been meant: one letter of three may be wrong. */
static const struct option_row *option_nearest(const char *word, size_t length)
{
    const struct option_row *nearest = NULL;
    unsigned least = (unsigned)length / 3 + 1;
    for (size_t i = 0; i < option_count && length <= WORD_MAX; i++) {
        const char *name = option_rows[i].name;
        unsigned away = distance(word, length, name, strnlen(name, WORD_MAX));
        if (away < least) {
            least = away;
            nearest = &option_rows[i];
        }
    }
    return nearest;
}

size_t option_meant(const char *word, char *ret_names, size_t size, bool *ret_begins)
{
    size_t length, used = 0, count = 0;
    word += strspn(word, "-");
    length = strcspn(word, "=");
    ret_names[0] = '\0';
    for (size_t i = 0; i < option_count && length > 0; i++) {
        const char *name = option_rows[i].name;
        if (strncmp(name, word, length) == 0 && used < size)
            used += (size_t)snprintf(ret_names + used, size - used, "%s--%s",
                                     count++ > 0 ? ", " : "", name);
    }
    *ret_begins = count > 0;
    const struct option_row *nearest = count == 0 ? option_nearest(word, length) : NULL;
    if (nearest == NULL)
        return count;
    snprintf(ret_names, size, "--%s", nearest->name);
    return 1;
}
