/* The last good copy: what is written comes back; what is damaged does not. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "router/follow/cache.h"

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "%s", "cache-test-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    char path[128];
    (void)state;
    snprintf(path, sizeof path, "%s/demo.release", dir);
    unlink(path);
    return rmdir(dir);
}

static struct cache_copy sample(struct store_entry entries[2])
{
    static const char first[] = "kind: routing\nname: a\n";
    static const char second[] = "";
    entries[0] = (struct store_entry){
        .kind = "routing", .name = "a", .path = "dir with blanks/a.yaml", .line = 12, .text = VX_SPAN_LITERAL(first)};
    entries[1] = (struct store_entry){
        .kind = "processing", .name = "b", .path = "b.yaml", .line = 1, .text = VX_SPAN_LITERAL(second)};
    for (int i = 0; i < 2; i++) {
        entries[i].size = entries[i].text.len;
        vx_sha256_hex(entries[i].text, entries[i].sha256);
    }
    return (struct cache_copy){.pointer = {.release = 42, .generation = 7, .cluster_id = 14841639068965178418u},
                               .entries = entries,
                               .entry_count = 2};
}

static void write_sample(void)
{
    struct store_entry entries[2];
    struct cache_copy copy = sample(entries);
    struct vx_err err;
    assert_int_equal(cache_write(dir, "demo", &copy, &err), VX_OK);
}

static char *read_bytes(size_t *len)
{
    char path[128];
    snprintf(path, sizeof path, "%s/demo.release", dir);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *bytes = malloc(100000);
    *len = fread(bytes, 1, 100000, file);
    fclose(file);
    return bytes;
}

static void write_bytes(const char *bytes, size_t len)
{
    char path[128];
    snprintf(path, sizeof path, "%s/demo.release", dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

static void what_is_written_comes_back(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    struct cache_copy copy;
    struct vx_err err;
    write_sample();
    assert_int_equal(cache_read(dir, "demo", &arena, &copy, &err), VX_OK);
    assert_int_equal(copy.pointer.release, 42);
    assert_int_equal(copy.pointer.generation, 7);
    assert_true(copy.pointer.cluster_id == 14841639068965178418u);
    assert_int_equal(copy.entry_count, 2);
    assert_string_equal(copy.entries[0].kind, "routing");
    assert_string_equal(copy.entries[0].path, "dir with blanks/a.yaml");
    assert_int_equal(copy.entries[0].line, 12);
    assert_true(vx_span_is(copy.entries[0].text, "kind: routing\nname: a\n"));
    assert_int_equal(copy.entries[1].text.len, 0);
    vx_arena_done(&arena);
}

/* A copy that a forerunner wrote names no move; and none is written where none is known. */
static void a_move_is_told_where_it_is_known(void **state)
{
    static const uint64_t moves[] = {0, 1, UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        struct vx_arena arena = {0};
        struct vx_buf text = {0};
        struct store_entry entries[2];
        struct cache_copy copy = sample(entries), back;
        copy.pointer.move_id = moves[i];
        cache_print(&text, "demo", &copy);
        if (moves[i] == 0)
            assert_non_null(strstr(vx_buf_text(&text), "\npointer 42 7 14841639068965178418\n"));
        assert_true(cache_load(vx_buf_view(&text), "demo", &arena, &back));
        assert_true(back.pointer.move_id == moves[i]);
        assert_true(back.pointer.cluster_id == copy.pointer.cluster_id);
        vx_buf_done(&text);
        vx_arena_done(&arena);
    }
}

static void no_copy_is_not_found(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    struct cache_copy copy;
    struct vx_err err;
    assert_int_equal(cache_read(dir, "other", &arena, &copy, &err), VX_ENOTFOUND);
    vx_arena_done(&arena);
}

static void a_copy_of_another_fleet_is_not_used(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    struct cache_copy copy;
    struct vx_err err;
    char from[128], to[128];
    write_sample();
    snprintf(from, sizeof from, "%s/demo.release", dir);
    snprintf(to, sizeof to, "%s/other.release", dir);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(cache_read(dir, "other", &arena, &copy, &err), VX_ECORRUPT);
    unlink(to);
    vx_arena_done(&arena);
}

static void any_damage_is_found(void **state)
{
    (void)state;
    struct vx_err err;
    size_t len;
    write_sample();
    char *bytes = read_bytes(&len);
    for (size_t i = 0; i < len; i++) {
        struct vx_arena arena = {0};
        struct cache_copy copy;
        bytes[i] ^= 1;
        write_bytes(bytes, len);
        assert_int_equal(cache_read(dir, "demo", &arena, &copy, &err), VX_ECORRUPT);
        bytes[i] ^= 1;
        vx_arena_done(&arena);
    }
    for (size_t cut = 0; cut < len; cut++) {
        struct vx_arena arena = {0};
        struct cache_copy copy;
        write_bytes(bytes, cut);
        assert_int_equal(cache_read(dir, "demo", &arena, &copy, &err), VX_ECORRUPT);
        vx_arena_done(&arena);
    }
    free(bytes);
}

static void a_failed_write_keeps_the_old_copy(void **state)
{
    (void)state;
    struct store_entry entries[2];
    struct cache_copy copy = sample(entries);
    struct vx_err err;
    write_sample();
    copy.pointer.release = 43;
    assert_int_equal(cache_write("no-such-directory", "demo", &copy, &err), VX_ENOTFOUND);
    assert_string_equal(err.message, "cannot write no-such-directory/demo.release.tmp: No such file or directory");
    struct vx_arena arena = {0};
    assert_int_equal(cache_read(dir, "demo", &arena, &copy, &err), VX_OK);
    assert_int_equal(copy.pointer.release, 42);
    vx_arena_done(&arena);
}

static void the_directory_is_made_where_its_parent_is_there(void **state)
{
    (void)state;
    struct vx_err err;
    char sub[128];
    snprintf(sub, sizeof sub, "%s/sub", dir);
    assert_int_equal(cache_check(sub, &err), VX_OK);
    assert_int_equal(cache_check(sub, &err), VX_OK);
    rmdir(sub);
    assert_int_not_equal(cache_check("no-such/deep/path", &err), VX_OK);
    assert_string_equal(err.message, "state_dir: cannot make no-such/deep/path: No such file or directory");
}

static void a_file_is_no_directory_whatever_its_mode(void **state)
{
    (void)state;
    struct vx_err err;
    char file[128], want[200];
    snprintf(file, sizeof file, "%s/file", dir);
    snprintf(want, sizeof want, "state_dir: %s is not a directory", file);
    for (mode_t mode = 0600; mode <= 0700; mode += 0100) {
        int fd = open(file, O_WRONLY | O_CREAT, mode);
        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(cache_check(file, &err), VX_EINVAL);
        assert_string_equal(err.message, want);
        unlink(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_comes_back, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_move_is_told_where_it_is_known, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(no_copy_is_not_found, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_copy_of_another_fleet_is_not_used, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(any_damage_is_found, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_failed_write_keeps_the_old_copy, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(the_directory_is_made_where_its_parent_is_there, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_file_is_no_directory_whatever_its_mode, make_dir, remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
