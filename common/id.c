#include "common/id.h"

#include "common/log.h"

#include <openssl/evp.h>
#include <sysexits.h>

struct id uuid_named(struct id space, struct bytes name) {
    struct hasher hasher;
    hasher_open(&hasher);
    hasher_add(&hasher, space.at, sizeof(space.at));
    hasher_add(&hasher, name.at, name.size);
    struct digest digest = hasher_peek(&hasher);
    hasher_close(&hasher);
    struct id id;
    memcpy(id.at, digest.at, sizeof(id.at));
    id.at[6] = (uint8_t)((id.at[6] & 0x0f) | 0x80);
    id.at[8] = (uint8_t)((id.at[8] & 0x3f) | 0x80);
    return id;
}

static void hex(const uint8_t *at, size_t size, char *text) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[at[i] >> 4];
        text[2 * i + 1] = digits[at[i] & 15];
    }
    text[2 * size] = 0;
}

void id_hex(struct id id, char text[ID_HEX_SIZE]) {
    hex(id.at, sizeof(id.at), text);
}

void digest_hex(struct digest digest, char text[DIGEST_HEX_SIZE]) {
    hex(digest.at, sizeof(digest.at), text);
}

void uuid_text(struct id id, char text[UUID_TEXT_SIZE]) {
    char digits[ID_HEX_SIZE];
    id_hex(id, digits);
    char *to = text;
    for (int i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            *to++ = '-';
        *to++ = digits[i];
    }
    *to = 0;
}

static int hex_digit(uint8_t c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool id_parse(struct bytes text, struct id *id) {
    bool dashed = text.size == 36;
    if (!dashed && text.size != 32)
        return false;
    struct id parsed = {{0}};
    int count = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (dashed && (i == 8 || i == 13 || i == 18 || i == 23)) {
            if (text.at[i] != '-')
                return false;
            continue;
        }
        int digit = hex_digit(text.at[i]);
        if (digit < 0)
            return false;
        parsed.at[count / 2] = (uint8_t)(parsed.at[count / 2] << 4 | digit);
        count++;
    }
    *id = parsed;
    return true;
}

bool digest_parse(struct bytes text, struct digest *digest) {
    struct digest parsed = {{0}};
    if (text.size != 2 * sizeof(parsed.at))
        return false;
    for (size_t i = 0; i < text.size; i++) {
        int digit = hex_digit(text.at[i]);
        if (digit < 0)
            return false;
        parsed.at[i / 2] = (uint8_t)(parsed.at[i / 2] << 4 | digit);
    }
    *digest = parsed;
    return true;
}

void hasher_open(struct hasher *hasher) {
    hasher->state = EVP_MD_CTX_new();
    if (!hasher->state || EVP_DigestInit_ex(hasher->state, EVP_sha256(), NULL) != 1)
        fatal(EX_OSERR, "digest.failed", "why=\"SHA-256 is not available\"");
}

void hasher_close(struct hasher *hasher) {
    EVP_MD_CTX_free(hasher->state);
    hasher->state = NULL;
}

void hasher_add(struct hasher *hasher, const void *at, size_t size) {
    if (size > 0 && EVP_DigestUpdate(hasher->state, at, size) != 1)
        fatal(EX_OSERR, "digest.failed", "why=\"SHA-256 update\"");
}

struct digest hasher_peek(const struct hasher *hasher) {
    struct digest digest;
    unsigned size = sizeof(digest.at);
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    if (!copy || EVP_MD_CTX_copy_ex(copy, hasher->state) != 1 ||
        EVP_DigestFinal_ex(copy, digest.at, &size) != 1)
        fatal(EX_OSERR, "digest.failed", "why=\"SHA-256 final\"");
    EVP_MD_CTX_free(copy);
    return digest;
}

struct digest digest_of(struct bytes bytes) {
    struct digest digest;
    unsigned size = sizeof(digest.at);
    if (EVP_Digest(bytes.size ? bytes.at : (const uint8_t *)"", bytes.size, digest.at, &size,
                   EVP_sha256(), NULL) != 1)
        fatal(EX_OSERR, "digest.failed", "why=\"SHA-256\"");
    return digest;
}
