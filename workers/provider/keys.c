#include "workers/provider/keys.h"

#include "common/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { VARIABLE_BYTES_MAX = 128 };

void key_wipe(char *text) {
    if (text)
        explicit_bzero(text, strlen(text));
    mem_free(text);
}

void key_release(struct key *key) {
    key_wipe(key->text);
    *key = (struct key){0};
}

// Why a text cannot be a key: it would break a header, or be cut.
static const char *refusal_of(const char *text) {
    size_t size = strlen(text);
    if (size == 0)
        return "it is empty";
    if (size > KEY_BYTES_MAX)
        return "it is too long for a key";
    for (size_t i = 0; i < size; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return "it holds a blank or a character that no key has";
    return NULL;
}

// A whole small file, without the blanks at its end; NULL with errno if it cannot be read.
static char *read_file(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char *text = mem_new(KEY_BYTES_MAX + 2);
    size_t size = 0;
    ssize_t got;
    while ((got = read(fd, text + size, KEY_BYTES_MAX + 1 - size)) > 0)
        size += (size_t)got;
    int why = errno;
    (void)close(fd);
    if (got < 0) {
        key_wipe(text);
        errno = why;
        return NULL;
    }
    while (size > 0 && strchr(" \t\r\n", text[size - 1]))
        text[--size] = 0;
    return text;
}

static bool take(struct key *key, char *text, const char *from, char *problem, size_t size) {
    const char *refusal = refusal_of(text);
    if (refusal) {
        (void)snprintf(problem, size, "%s: %s", from, refusal);
        key_wipe(text);
        return false;
    }
    *key = (struct key){.text = text, .from = from};
    return true;
}

// The variable itself, else the file that VARIABLE_FILE names. *is_set says whether either is.
static bool take_variable(struct key *key, const char *variable, bool *is_set, char *problem,
                          size_t size) {
    char file_variable[VARIABLE_BYTES_MAX];
    const char *value = conf_env(variable);
    *is_set = value != NULL;
    if (value)
        return take(key, mem_copy(value, strlen(value)), variable, problem, size);
    (void)snprintf(file_variable, sizeof(file_variable), "%s_FILE", variable);
    const char *path = conf_env(file_variable);
    *is_set = path != NULL;
    if (!path)
        return false;
    char *text = read_file(path);
    if (!text) {
        (void)snprintf(problem, size, "%s: the file cannot be read: %s", file_variable,
                       strerror(errno));
        return false;
    }
    return take(key, text, variable, problem, size);
}

bool key_find(struct key *key, const struct conf *conf, const char *provider,
              const char *const *key_envs, char *problem, size_t problem_size) {
    *key = (struct key){0};
    *problem = 0;
    for (size_t i = 0; i < conf->provider_count; i++) {
        const struct conf_provider *of = &conf->providers[i];
        if (strcmp(of->name, provider) != 0 || !of->key)
            continue;
        char *text = mem_copy(of->key, strlen(of->key));
        if (*text)
            return take(key, text, "the configuration", problem, problem_size);
        *key = (struct key){.text = text, .from = "the configuration, without one"};
        return true;
    }
    for (; *key_envs; key_envs++) {
        bool is_set = false;
        if (take_variable(key, *key_envs, &is_set, problem, problem_size))
            return true;
        if (is_set)
            return false; // what was meant is broken: a further variable would hide that
    }
    return false;
}
