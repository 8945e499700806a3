#include <string.h>
#include <strings.h>

#include "plugin.h"

static struct words site;

void apus_keep_site(int count, char **words) {
    apus_free_words(&site);
    for (int i = 0; i < count; i++) apus_append(&site, "%s", words[i]);
}

const char *apus_site(const char *key, const char *otherwise) {
    size_t length = strlen(key);
    for (size_t i = 0; i < site.count; i++) {
        if (strncmp(site.list[i], key, length) == 0 && site.list[i][length] == '=') return site.list[i] + length + 1;
    }
    return otherwise;
}

bool apus_site_is_off(const char *key) {
    static const char *const words[] = {"0", "false", "no", "n", "off"};
    const char *value = apus_site(key, "");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(value, words[i]) == 0) return true;
    }
    return false;
}

void apus_append_site(struct words *words) {
    for (size_t i = 0; i < site.count; i++) {
        apus_append(words, "--site");
        apus_append(words, "%s", site.list[i]);
    }
}

void apus_forget_site(void) { apus_free_words(&site); }
