/* The strict JSON scanner: one pass that checks a text (RFC 8259) and extracts the fields that somebody wants.
 *
 * What is wanted is a set of paths, sealed into a trie once; the scan fills one slot per path. Of a repeated key the
 * last one counts, also for what was found below an earlier one. Slot numbers are the caller's (a table numbers its
 * paths once; each routing scans for the subset it needs).
 *
 * Method (G. Langdale, D. Lemire, "Parsing gigabytes of JSON per second", 2019, for the first half): 64-byte blocks; SIMD
 * finds quotes, structure and what is unusual; a token index; then a walk over the tokens that carries a trie node.
 * Instruction set chosen at run time; a portable path beside it.
 */
#ifndef VX_JSON_SCAN_H
#define VX_JSON_SCAN_H

#include "core/base/err.h"
#include "core/json/path.h"
#include "core/json/value.h"

enum {
    JSON_DEPTH_MAX = 512,              /* nested arrays and objects; deeper text is refused as not JSON */
    JSON_TEXT_MAX_BYTES = 1 << 30,     /* longer text is refused */
    JSON_SCANNER_KEEP_BYTES = 4 << 20, /* scratch memory of one kind above this is given back after the scan */
};

/* A set of wanted paths. Immutable after json_paths_seal(); then shared freely between threads. */
struct json_paths;
struct json_paths *json_paths_new(void);
void json_paths_free(struct json_paths *paths);
/* Wants `path` in slot `slot`; the steps are copied. Adding a path twice with the same slot is allowed. */
void json_paths_add(struct json_paths *paths, struct json_path path, uint32_t slot);
void json_paths_seal(struct json_paths *paths);

/* A worker's scanner: scratch memory of four bytes per byte of the longest text seen, so that texts up to 1 MiB ask for
 * none once it is warm; what a longer text needed goes back at the end of its scan. One thread. */
struct json_scanner;
struct json_scanner *json_scanner_new(void);
void json_scanner_free(struct json_scanner *scanner);
/* Bytes of scratch memory held between scans, but for what the number of wanted paths asks for. */
size_t json_scanner_held_bytes(const struct json_scanner *scanner);

/* Checks `text` and fills slots[n] for every wanted path, JSON_KIND_MISSING where there is no such value; other slots
 * are not touched. `paths` NULL or empty only checks. Returns VX_OK, or VX_EINVAL where `text` is not JSON; then the
 * slots are undefined and, when `error_at` is not NULL, it holds the byte offset of the first fault (the length where
 * the text ends too early; of a literal, an escape or a code point its first byte). Reads nothing outside `text`. */
VX_MUSTCHECK enum vx_status json_scan(struct json_scanner *scanner, const struct json_paths *paths, struct vx_span text,
                                      struct json_value *slots, size_t *error_at);

/* True when the fault at byte `at`, as json_scan() has told it, is one level more than JSON_DEPTH_MAX, and else the text is
 * JSON so far. For messages: looks at all that stands before. */
bool json_is_too_deep(struct vx_span text, size_t at);

/* The name of the instruction set in use ("avx512", "avx2", "sse2", "portable"); tests force one with json_scan_force(),
 * which returns false when the machine lacks it. Not while scanners run. */
const char *json_scan_isa(void);
bool json_scan_force(const char *isa);

#endif
