/* The matrix of a sweep: its text, its cells as words, and what cannot be said. */

#include "bench/result/matrix.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

/* Words in one line, for rows to be read; split at blanks again. */
struct line {
    char bytes[300];
    const char *words[20];
    struct matrix_base base;
};

static void split(struct line *line, const char *text, bool has_server)
{
    char *rest = line->bytes, *word;

    snprintf(line->bytes, sizeof line->bytes, "%s", text);
    line->base = (struct matrix_base){line->words, 0, has_server};
    while ((word = strsep(&rest, " ")) != NULL)
        if (*word != '\0')
            line->words[line->base.word_count++] = word;
}

static void join(const struct matrix_words *words, char *ret_text, size_t size)
{
    size_t length = 0;

    *ret_text = '\0';
    for (size_t i = 0; i < words->count; i++)
        length += (size_t)snprintf(ret_text + length, size - length, "%s%s", i == 0 ? "" : " ",
                                   words->words[i]);
}

static void cells_become_words(void **state)
{
    static const struct {
        const char *matrix;
        const char *base;
        bool has_server;
        size_t cells;
        size_t cell;
        const char *text;
        const char *words;
    } rows[] = {
        {"loop=uring", "", false, 1, 0, "loop=uring", "--loop uring"},
        {"loop=uring,epoll;c=1,64", "-z 2s", false, 4, 0, "loop=uring c=1",
         "-z 2s --loop uring -c 1"},
        {"loop=uring,epoll;c=1,64", "-z 2s", false, 4, 1, "loop=uring c=64",
         "-z 2s --loop uring -c 64"},
        {"loop=uring,epoll;c=1,64", "-z 2s", false, 4, 2, "loop=epoll c=1",
         "-z 2s --loop epoll -c 1"},
        {" loop = uring ,\tepoll ;\n c=1", "", false, 2, 1, "loop=epoll c=1", "--loop epoll -c 1"},
        {"tls=off,on;close=off,on", "", false, 4, 0, "tls=off close=off", ""},
        {"tls=off,on;close=off,on", "", false, 4, 3, "tls=on close=on", "--https --close"},
        {"http1.0=on;pin=on", "", false, 1, 0, "http1.0=on pin=on", "--http1.0 --pin"},
        {"t=2;body=4k;pipeline=8;rate=100..200/s;timeout=1s;method=PUT;plant=5", "", false, 1, 0,
         "t=2 body=4k pipeline=8 rate=100..200/s timeout=1s method=PUT plant=5",
         "-t 2 --reply-size 4k --pipeline 8 --rate 100..200/s --timeout 1s -X PUT --plant 5"},
        /* places in a URL and in options, of known keys and of others */
        {"body=128,4k", "http://h/{body}", true, 2, 1, "body=4k", "http://h/4k"},
        {"tls=off,on", "http://h/{tls}", true, 2, 0, "tls=off", "http://h/off"},
        {"x=a,b;y=c", "http://{x}/{y}{x}", true, 2, 1, "x=b y=c", "http://b/cb"},
        {"x=a", "-H X:{x} http://h/", true, 1, 0, "x=a", "-H X:a http://h/"},
        {"c=5", "http://h/{c}", true, 1, 0, "c=5", "http://h/5 -c 5"},
        {"x=a", "http://h/{x}{y}{{x}}{x", true, 1, 0, "x=a", "http://h/a{y}{a}{x"},
        {"x={x}", "http://h/{x}", true, 1, 0, "x={x}", "http://h/{x}"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct matrix matrix;
        struct matrix_words words;
        struct line line;
        char message[MATRIX_MESSAGE_BYTES] = "", text[200];
        assert_int_equal(matrix_parse(&matrix, rows[i].matrix, message), 0);
        split(&line, rows[i].base, rows[i].has_server);
        assert_true(matrix_check(&matrix, &line.base, message));
        assert_int_equal(matrix.cell_count, rows[i].cells);
        matrix_text(&matrix, rows[i].cell, text, sizeof text);
        assert_string_equal(text, rows[i].text);
        assert_true(matrix_words(&matrix, rows[i].cell, &line.base, &words));
        assert_null(words.words[words.count]);
        join(&words, text, sizeof text);
        assert_string_equal(text, rows[i].words);
        matrix_words_free(&words);
        matrix_free(&matrix);
    }
}

static void what_is_wrong_is_said_with_its_place(void **state)
{
    static const struct {
        const char *matrix;
        const char *message;
    } rows[] = {
        {"", "character 1: '' is no axis, which is key=value,value"},
        {"loop", "character 1: 'loop' is no axis, which is key=value,value"},
        {"c=1; 64", "character 6: '64' is no axis, which is key=value,value"},
        {"c=1;", "character 5: '' is no axis, which is key=value,value"},
        {"=1", "character 1: an axis has no key"},
        {"c=1;  =2", "character 7: an axis has no key"},
        {"a b=1", "character 1: 'a b' cannot be a key"},
        {"{c}=1", "character 1: '{c}' cannot be a key"},
        {"c=", "character 3: a value of 'c' is empty"},
        {"c=1,,2", "character 5: a value of 'c' is empty"},
        {"c=1, ;t=1", "character 5: a value of 'c' is empty"},
        {"c=1,2,1", "character 7: 'c' has the value '1' twice"},
        {"c=1;t=1;c=2", "character 9: the axis 'c' is there twice"},
        {"tls=yes", "character 5: 'yes' of 'tls' is not on or off"},
        {"close=on,On", "character 10: 'On' of 'close' is not on or off"},
        {"c=1\x01", "character 4: a control character"},
        {"x=\xff", "character 1: this is not UTF-8"},
        {"a=1;b=1;c=1;d=1;e=1;f=1;g=1;h=1;i=1;j=1;k=1;l=1;m=1;n=1;o=1;p=1;q=1",
         "character 65: more than 16 axes"},
        {"a=0,1,2,3,4,5,6,7,8,9;b=0,1,2,3,4,5,6,7,8,9;c=0,1,2,3,4,5,6,7,8,9;"
         "d=0,1,2,3,4,5,6,7,8,9;e=0,1,2,3,4,5,6,7,8,9;f=0,1",
         "character 111: more than 100000 cells"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct matrix matrix;
        char message[MATRIX_MESSAGE_BYTES] = "";
        assert_int_equal(matrix_parse(&matrix, rows[i].matrix, message), -EINVAL);
        assert_string_equal(message, rows[i].message);
    }
}

static void what_does_not_fit_the_words_is_said_with_its_place(void **state)
{
    static const struct {
        const char *matrix;
        const char *base;
        bool has_server;
        const char *message; /* NULL: it fits */
    } rows[] = {
        {"body=4k;tls=on", "", false, NULL},
        {"c=1;clse=on", "", false,
         "character 5: 'clse' is no option of a run, and no word has {clse}"},
        {"x=1", "http://h/{X}", true,
         "character 1: 'x' is no option of a run, and no word has {x}"},
        {"c=1;body=4k", "http://h/", true,
         "character 5: 'body' needs the embedded server, or a URL that has {body}"},
        {"tls=on", "-i targets", true,
         "character 1: 'tls' needs the embedded server, or a URL that has {tls}"},
        {"tls=on;body=4k", "http://h/{body}?{tls}", true, NULL},
        {"t=1;c=1", "-z 2s -c 5", false,
         "character 5: 'c' is an axis, and so -c cannot be an option"},
        {"body=4k", "--reply-size 5", false,
         "character 1: 'body' is an axis, and so --reply-size cannot be an option"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct matrix matrix;
        struct line line;
        char message[MATRIX_MESSAGE_BYTES] = "";
        assert_int_equal(matrix_parse(&matrix, rows[i].matrix, message), 0);
        split(&line, rows[i].base, rows[i].has_server);
        assert_int_equal(matrix_check(&matrix, &line.base, message), rows[i].message == NULL);
        assert_string_equal(message, rows[i].message != NULL ? rows[i].message : "");
        matrix_free(&matrix);
    }
}

/* A number of a cell, the object, and back. */
static void cells_are_found_again(void **state)
{
    struct matrix matrix;
    char message[MATRIX_MESSAGE_BYTES];

    (void)state;
    assert_int_equal(matrix_parse(&matrix, "loop=uring,epoll,threads;c=1,64;x=a,b,c,d", message),
                     0);
    assert_int_equal(matrix.cell_count, 24);
    for (size_t cell = 0; cell < matrix.cell_count; cell++) {
        json_t *object = matrix_cell(&matrix, cell);
        size_t found = SIZE_MAX;
        assert_true(matrix_find(&matrix, object, &found));
        assert_int_equal(found, cell);
        json_decref(object);
    }
    json_t *axes = matrix_axes(&matrix);
    char *text = json_dumps(axes, JSON_COMPACT);
    assert_string_equal(text, "{\"loop\":[\"uring\",\"epoll\",\"threads\"],\"c\":[\"1\",\"64\"],"
                              "\"x\":[\"a\",\"b\",\"c\",\"d\"]}");
    free(text);
    json_decref(axes);
    matrix_free(&matrix);
}

static void what_is_no_cell_is_not_found(void **state)
{
    static const char *const rows[] = {
        "{}",
        "[]",
        "null",
        "5",
        "{\"c\": \"1\"}",
        "{\"c\": 1, \"t\": \"1\"}",
        "{\"c\": \"1\", \"t\": \"2\"}",
        "{\"c\": \"1\", \"t\": \"1\", \"x\": \"1\"}",
    };
    struct matrix matrix;
    char message[MATRIX_MESSAGE_BYTES];
    size_t cell;

    (void)state;
    assert_int_equal(matrix_parse(&matrix, "c=1,2;t=1", message), 0);
    for (size_t i = 0; i < COUNT(rows); i++) {
        json_t *object = json_loads(rows[i], JSON_DECODE_ANY, NULL);
        assert_non_null(object);
        assert_false(matrix_find(&matrix, object, &cell));
        json_decref(object);
    }
    assert_false(matrix_find(&matrix, NULL, &cell));
    matrix_free(&matrix);
}

static void a_text_too_long_is_cut(void **state)
{
    struct matrix matrix;
    char message[MATRIX_MESSAGE_BYTES], text[10];

    (void)state;
    assert_int_equal(matrix_parse(&matrix, "loop=uring;c=1", message), 0);
    for (size_t size = 1; size <= sizeof text; size++) {
        matrix_text(&matrix, 0, text, size);
        assert_int_equal(strlen(text), size - 1);
    }
    matrix_free(&matrix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_become_words),
        cmocka_unit_test(what_is_wrong_is_said_with_its_place),
        cmocka_unit_test(what_does_not_fit_the_words_is_said_with_its_place),
        cmocka_unit_test(cells_are_found_again),
        cmocka_unit_test(what_is_no_cell_is_not_found),
        cmocka_unit_test(a_text_too_long_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
