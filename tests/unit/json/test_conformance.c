/* nst/JSONTestSuite (tests/data/conformance/json): every file on every instruction set. */
#include "help.h"

#include <dirent.h>

#define FOLDER VELTRIX_TEST_DATA "/conformance/json"

/* Where RFC 8259 leaves it open we refuse what is not UTF-8 (a byte order mark included, RFC 8259 section 8.1) and
 * accept the rest: numbers of any size (what reads them decides), lone surrogates in escapes (U+FFFD when they are
 * decoded), nesting up to JSON_DEPTH_MAX. */
static const char *const refused[] = {
    "i_string_UTF-16LE_with_BOM.json",
    "i_string_UTF-8_invalid_sequence.json",
    "i_string_UTF8_surrogate_U+D800.json",
    "i_string_invalid_utf-8.json",
    "i_string_iso_latin_1.json",
    "i_string_lone_utf8_continuation_byte.json",
    "i_string_not_in_unicode_range.json",
    "i_string_overlong_sequence_2_bytes.json",
    "i_string_overlong_sequence_6_bytes.json",
    "i_string_overlong_sequence_6_bytes_null.json",
    "i_string_truncated-utf-8.json",
    "i_string_utf16BE_no_BOM.json",
    "i_string_utf16LE_no_BOM.json",
    "i_structure_UTF-8_BOM_empty_object.json",
};
static const char *const accepted[] = {
    "i_number_double_huge_neg_exp.json",
    "i_number_huge_exp.json",
    "i_number_neg_int_huge_exp.json",
    "i_number_pos_double_huge_exp.json",
    "i_number_real_neg_overflow.json",
    "i_number_real_pos_overflow.json",
    "i_number_real_underflow.json",
    "i_number_too_big_neg_int.json",
    "i_number_too_big_pos_int.json",
    "i_number_very_big_negative_int.json",
    "i_object_key_lone_2nd_surrogate.json",
    "i_string_1st_surrogate_but_2nd_missing.json",
    "i_string_1st_valid_surrogate_2nd_invalid.json",
    "i_string_incomplete_surrogate_and_escape_valid.json",
    "i_string_incomplete_surrogate_pair.json",
    "i_string_incomplete_surrogates_escape_valid.json",
    "i_string_invalid_lonely_surrogate.json",
    "i_string_invalid_surrogate.json",
    "i_string_inverted_surrogates_U+1D11E.json",
    "i_string_lone_second_surrogate.json",
    "i_structure_500_nested_arrays.json",
};

static bool listed(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Whether we accept the file; fails when nobody has said. */
static bool is_accepted(const char *name)
{
    if (name[0] != 'i')
        return name[0] == 'y';
    bool in = listed(accepted, sizeof accepted / sizeof accepted[0], name);
    bool out = listed(refused, sizeof refused / sizeof refused[0], name);
    if (in == out)
        fail_msg("%s stands in neither list", name);
    return in;
}

static void load(const char *name, struct vx_buf *text)
{
    char path[1024];
    snprintf(path, sizeof path, FOLDER "/%s", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    vx_buf_clear(text);
    size_t n;
    while ((n = fread(vx_buf_reserve(text, 65536), 1, 65536, file)) > 0)
        text->len += n;
    fclose(file);
}

static void every_file_goes_the_way_its_name_says(void **state)
{
    (void)state;
    struct json_scanner *scanner = json_scanner_new();
    struct vx_buf text = {0};
    DIR *folder = opendir(FOLDER);
    assert_non_null(folder);
    int counts[256] = {0}, wrong = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (!strchr("yni", entry->d_name[0]) || entry->d_name[1] != '_')
            continue;
        load(entry->d_name, &text);
        counts[(unsigned char)entry->d_name[0]]++;
        for (int isa = 0; isa < HELP_ISA_COUNT; isa++) {
            if (!json_scan_force(help_isas[isa]))
                continue;
            enum vx_status status = json_scan(scanner, NULL, vx_buf_view(&text), NULL, NULL);
            if ((status == VX_OK) == is_accepted(entry->d_name))
                continue;
            wrong++;
            print_error("%s: %s: %s\n", help_isas[isa], entry->d_name, status ? "refused" : "accepted");
        }
    }
    closedir(folder);
    vx_buf_done(&text);
    json_scanner_free(scanner);
    assert_int_equal(wrong, 0);
    assert_int_equal(counts['y'], 95);
    assert_int_equal(counts['n'], 188);
    assert_int_equal(counts['i'], 35);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_goes_the_way_its_name_says),
    };
    return cmocka_run_group_tests_name("json conformance", tests, NULL, NULL);
}
