#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugin.h"

void apus_append(struct words *words, const char *format, ...) {
    va_list arguments;
    char *word = NULL;
    va_start(arguments, format);
    if (vasprintf(&word, format, arguments) < 0) word = NULL;
    va_end(arguments);
    char **grown = word ? realloc(words->list, (words->count + 2) * sizeof *grown) : NULL;
    if (!grown) {
        free(word);
        words->failed = true;
        return;
    }
    words->list = grown;
    words->list[words->count++] = word;
    words->list[words->count] = NULL;
}

void apus_free_words(struct words *words) {
    for (size_t i = 0; i < words->count; i++) free(words->list[i]);
    free(words->list);
    *words = (struct words){0};
}
