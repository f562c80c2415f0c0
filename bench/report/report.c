/* haul bench report: its words, and the way from files of results to one page. */

#include "bench/report/report.h"
#include "bench/base/exit_status.h"
#include "bench/base/replace.h"
#include "bench/report/report_page.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct report_words {
    const char *output;
    const char *title;
    const char *by;
    const char **paths;
    size_t path_count;
    bool is_help;
};

__attribute__((format(printf, 2, 3))) static int complain(int status, const char *format, ...)
{
    va_list words;
    va_start(words, format);
    fputs("haul bench: report: ", stderr);
    vfprintf(stderr, format, words);
    putc('\n', stderr);
    va_end(words);
    return status;
}

/* --- words ------------------------------------------------------------------------------------ */

#define AT(member) OPTION_AT(struct report_words, member)

static const struct option_row rows[] = {
    {"output", 'o', "FILE", .take = option_take_text, AT(output),
     .help = "the page: .html; .md for pasting; .csv, a row a run"},
    {"title", 0, "TEXT", .take = option_take_text, AT(title), .help = "what stands at the top"},
    {"by", 0, "AXIS", .take = option_take_text, AT(by),
     .standard = "loop, or the first axis that has 2 to 4", .help = "whose values are compared"},
    {"help", 'h', .take = option_take_switch, AT(is_help), .help = "this"},
};

const struct option_list report_options = {
    .usage = "usage: haul bench report FILE... -o PAGE [options]\n"
             "\n"
             "Makes one page of results: what won where, charts, tables.\n"
             "FILE is what sweep, compare or a run with --format json\n"
             "wrote.\n"
             "\n",
    .notes = "",
    .rows = rows,
    .count = sizeof rows / sizeof *rows,
};

/* One option, and its value in the same word behind "=", or in the next. Returns how many words
 * that was; 0: it is wrong, which has been said. */
static int option_take(struct report_words *words, int left, char **argv)
{
    const char *word = argv[0];
    size_t length = strcspn(word, "=");
    const char *value = word[length] == '=' ? word + length + 1 : argv[1];
    const struct option_row *row = option_find(&report_options, word, length);
    bool is_one = row != NULL && (row->value == NULL || word[length] == '=');
    if (row == NULL || (row->value == NULL && word[length] == '='))
        return complain(0, "%s: no such option (--help names all)", word);
    if (!is_one && left < 2)
        return complain(0, "%s: needs a value", word);
    row->take(&(struct option_taking){.into = words, .row = row, .value = value});
    return is_one ? 1 : 2;
}

static int words_parse(struct report_words *words, int argc, char **argv)
{
    bool is_over = false; /* behind "--": only files */
    for (int i = 1, taken; i < argc; i += taken) {
        const char *word = argv[i];
        taken = 1;
        if (!is_over && strcmp(word, "--") == 0)
            is_over = true;
        else if (is_over || word[0] != '-' || word[1] == '\0')
            words->paths[words->path_count++] = word;
        else if ((taken = option_take(words, argc - i, argv + i)) == 0)
            return EXIT_USAGE;
    }
    if (words->is_help)
        return 0;
    if (words->path_count == 0)
        return complain(EXIT_USAGE, "no file of results (--help shows how)");
    if (words->output == NULL)
        return complain(EXIT_USAGE, "-o PAGE is missing: where the report goes");
    return 0;
}

/* --- the page --------------------------------------------------------------------------------- */

typedef void page_writer(const struct report_page *page);

/* NULL: no format ends so. */
static page_writer *writer_of(const char *path)
{
    static const struct {
        const char *ending;
        page_writer *write;
    } writers[] = {{".html", report_html},
                   {".htm", report_html},
                   {".md", report_markdown},
                   {".csv", report_csv}};
    size_t length = strlen(path);
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++) {
        size_t size = strlen(writers[i].ending);
        if (length > size && strcmp(path + length - size, writers[i].ending) == 0)
            return writers[i].write;
    }
    return NULL;
}

static int page_write(const struct report_page *with, const char *path)
{
    struct report_page page = *with;
    struct replace file;
    int error = replace_open(&file, path);
    if (error == 0) {
        page.out = file.out;
        writer_of(path)(&page);
        error = replace_commit(&file);
    }
    return error == 0 ? 0 : complain(EXIT_CANNOT, "%s: %s", path, strerror(-error));
}

static int sums_write(const struct report_words *words, const struct report *report)
{
    struct report_sums sums;
    int error = report_sums_open(&sums, report, words->by);
    if (error == -EINVAL)
        return complain(EXIT_USAGE, "--by %s: no axis of that name has 2 to 4 values here",
                        words->by);
    if (error != 0)
        return complain(EXIT_CANNOT, "%s", strerror(-error));
    int status =
        page_write(&(struct report_page){.sums = &sums, .title = words->title}, words->output);
    report_sums_close(&sums);
    return status;
}

static int report_make(const struct report_words *words)
{
    struct report report = {0};
    bool done = true;
    int status;
    if (writer_of(words->output) == NULL)
        return complain(EXIT_USAGE, "-o %s: a name that ends in .html, .md or .csv is wanted",
                        words->output);
    for (size_t i = 0; done && i < words->path_count; i++)
        done = report_read(&report, words->paths[i]);
    done = done && report_arrange(&report);
    status = done ? sums_write(words, &report) : complain(EXIT_CANNOT, "%s", report.fault);
    report_free(&report);
    return status;
}

int report_main(int argc, char **argv)
{
    struct report_words words = {.paths = calloc((size_t)argc + 1, sizeof *words.paths)};
    if (words.paths == NULL)
        return complain(EXIT_CANNOT, "out of memory");
    int status = words_parse(&words, argc, argv);
    if (status == 0 && words.is_help)
        option_help(stdout, &report_options);
    else if (status == 0)
        status = report_make(&words);
    free(words.paths);
    return status;
}
