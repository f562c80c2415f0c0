/* haul bench report: its words, and the way from files of results to one page. */

#include "bench/report/report.h"
#include "bench/base/exit_status.h"
#include "bench/base/replace.h"
#include "bench/report/report_page.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "usage: haul bench report FILE... -o PAGE [options]\n"
                            "\n"
                            "Makes one page of results: what won where, charts, tables.\n"
                            "FILE is what sweep, compare or a run with --format json wrote.\n"
                            "  -o, --output PAGE  .html, or .md for pasting\n"
                            "  --title TEXT       what stands at the top\n"
                            "  --by AXIS          whose values are compared (loop, or the first\n"
                            "                     axis that has 2 to 4)\n"
                            "  -h, --help\n";

struct report_options {
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

/* Where an option's value goes; NULL: there is no such option. */
static const char **option_find(struct report_options *words, const char *name, size_t length)
{
    const struct {
        const char *name;
        const char **value;
    } options[] = {
        {"-o", &words->output},
        {"--output", &words->output},
        {"--title", &words->title},
        {"--by", &words->by},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (strlen(options[i].name) == length && memcmp(options[i].name, name, length) == 0)
            return options[i].value;
    return NULL;
}

/* One option, and its value in the same word behind "=", or in the next. Returns how many words
 * that was; 0: it is wrong, which has been said. */
static int option_take(struct report_options *words, int left, char **argv)
{
    const char *word = argv[0], *equals = strchr(word, '=');
    const char **value =
        option_find(words, word, equals != NULL ? (size_t)(equals - word) : strlen(word));
    if (value == NULL)
        return complain(0, "%s: no such option (--help names all)", word);
    if (equals == NULL && left < 2)
        return complain(0, "%s: needs a value", word);
    *value = equals != NULL ? equals + 1 : argv[1];
    return equals != NULL ? 1 : 2;
}

static int words_parse(struct report_options *words, int argc, char **argv)
{
    bool is_over = false; /* behind "--": only files */
    for (int i = 1, taken; i < argc; i += taken) {
        const char *word = argv[i];
        taken = 1;
        if (!is_over && (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0))
            words->is_help = true;
        else if (!is_over && strcmp(word, "--") == 0)
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
    } writers[] = {{".html", report_html}, {".htm", report_html}, {".md", report_markdown}};
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

static int sums_write(const struct report_options *words, const struct report *report)
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

static int report_make(const struct report_options *words)
{
    struct report report = {0};
    bool done = true;
    int status;
    if (writer_of(words->output) == NULL)
        return complain(EXIT_USAGE, "-o %s: a name that ends in .html or .md is wanted",
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
    struct report_options words = {.paths = calloc((size_t)argc + 1, sizeof *words.paths)};
    if (words.paths == NULL)
        return complain(EXIT_CANNOT, "out of memory");
    int status = words_parse(&words, argc, argv);
    if (status == 0 && words.is_help)
        fputs(usage, stdout);
    else if (status == 0)
        status = report_make(&words);
    free(words.paths);
    return status;
}
