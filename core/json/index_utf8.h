/* Tables of the look-up method for UTF-8 (J. Keiser, D. Lemire, "Validating UTF-8 in less than one instruction per
 * byte", 2021), for index_<isa>.c where bytes can be shuffled: the two halves of a byte and the upper half of the next
 * one each name the errors that they allow; an error that all three allow is one. */
#ifndef VX_JSON_INDEX_UTF8_H
#define VX_JSON_INDEX_UTF8_H

#include <stdint.h>

/* What can be wrong about two bytes in a row. */
enum {
    UTF8_SHORT = 1 << 0,      /* a lead without a byte that goes on */
    UTF8_LONG = 1 << 1,       /* such a byte behind ASCII */
    UTF8_OVERLONG_3 = 1 << 2, /* E0 80..9F */
    UTF8_LARGE = 1 << 3,      /* F4 90..BF, F5..FF 90..BF */
    UTF8_SURROGATE = 1 << 4,  /* ED A0..BF */
    UTF8_OVERLONG_2 = 1 << 5, /* C0 or C1 */
    UTF8_FOUR_80 = 1 << 6,    /* F0 80..8F: overlong; F5..FF 80..8F: too large */
    UTF8_TWO = 1 << 7,        /* 80..BF twice: right in the third and fourth byte of a code point, wrong elsewhere */
    UTF8_ANY_LOW = UTF8_SHORT | UTF8_LONG | UTF8_TWO, /* of these the lower half of the first byte says nothing */
    UTF8_LARGE_LOW = UTF8_ANY_LOW | UTF8_LARGE | UTF8_FOUR_80,
    UTF8_GOES_ON = UTF8_LONG | UTF8_OVERLONG_2 | UTF8_TWO,
};

static const uint8_t utf8_by_first_high[16] = {
    UTF8_LONG,
    UTF8_LONG,
    UTF8_LONG,
    UTF8_LONG,
    UTF8_LONG,
    UTF8_LONG,
    UTF8_LONG,
    UTF8_LONG, /* ASCII */
    UTF8_TWO,
    UTF8_TWO,
    UTF8_TWO,
    UTF8_TWO,
    UTF8_SHORT | UTF8_OVERLONG_2,
    UTF8_SHORT,
    UTF8_SHORT | UTF8_OVERLONG_3 | UTF8_SURROGATE,
    UTF8_SHORT | UTF8_LARGE | UTF8_FOUR_80,
};
static const uint8_t utf8_by_first_low[16] = {
    UTF8_ANY_LOW | UTF8_OVERLONG_3 | UTF8_OVERLONG_2 | UTF8_FOUR_80,
    UTF8_ANY_LOW | UTF8_OVERLONG_2,
    UTF8_ANY_LOW,
    UTF8_ANY_LOW,
    UTF8_ANY_LOW | UTF8_LARGE,
    UTF8_LARGE_LOW,
    UTF8_LARGE_LOW,
    UTF8_LARGE_LOW,
    UTF8_LARGE_LOW,
    UTF8_LARGE_LOW,
    UTF8_LARGE_LOW,
    UTF8_LARGE_LOW,
    UTF8_LARGE_LOW,
    UTF8_LARGE_LOW | UTF8_SURROGATE,
    UTF8_LARGE_LOW,
    UTF8_LARGE_LOW,
};
static const uint8_t utf8_by_second_high[16] = {
    UTF8_SHORT,
    UTF8_SHORT,
    UTF8_SHORT,
    UTF8_SHORT,
    UTF8_SHORT,
    UTF8_SHORT,
    UTF8_SHORT,
    UTF8_SHORT, /* ASCII */
    UTF8_GOES_ON | UTF8_OVERLONG_3 | UTF8_FOUR_80,
    UTF8_GOES_ON | UTF8_OVERLONG_3 | UTF8_LARGE,
    UTF8_GOES_ON | UTF8_SURROGATE | UTF8_LARGE,
    UTF8_GOES_ON | UTF8_SURROGATE | UTF8_LARGE,
    UTF8_SHORT,
    UTF8_SHORT,
    UTF8_SHORT,
    UTF8_SHORT,
};

#endif
