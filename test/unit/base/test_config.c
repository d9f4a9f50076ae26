// SPDX-License-Identifier: MIT
// Configuration: file and environment, secrets in files, misspellings.

#include "base/config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/unit/cmocka_all.h"

static char *write_temp(const char *content)
{
    char *path = x_dup("/tmp/hookmill-config-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
    return path;
}

static void drop_temp(char *path)
{
    unlink(path);
    free(path);
}

static void clear_environment(void)
{
    clearenv();
}

static void the_environment_wins_over_the_file(void **state)
{
    clear_environment();
    char *path = write_temp("[redis]\nurl = redis://file:1\n[listen]\nport = 81\n"
                            "[app shop]\nsecret = s1\nverify_token = v1\n");
    setenv("HOOKMILL_REDIS_URL", "redis://env:2", 1);
    setenv("HOOKMILL_APP_SHOP_PREVIOUS_SECRET", "s0", 1);
    struct config config;
    struct err err = {0};
    assert_true(config_load(path, &config, &err));
    assert_string_equal(config.redis_url, "redis://env:2");
    assert_int_equal(config.listen_port, 81);
    const struct config_app *app = config_find_app(&config, "shop");
    assert_string_equal(app->secret, "s1");
    assert_string_equal(app->previous_secret, "s0");
    assert_string_equal(config.graph_version, "v25.0");
    config_deinit(&config);
    drop_temp(path);
}

static void a_secret_can_stand_in_a_file(void **state)
{
    clear_environment();
    char *secret = write_temp("from-a-file\n");
    char *text = x_printf("[app a]\nsecret_file = %s\n", secret);
    char *path = write_temp(text);
    setenv("HOOKMILL_GROQ_KEY_FILE", secret, 1);
    struct config config;
    struct err err = {0};
    assert_true(config_load(path, &config, &err));
    assert_string_equal(config.apps[0].secret, "from-a-file");
    assert_string_equal(config.groq_key, "from-a-file");
    config_deinit(&config);
    setenv("HOOKMILL_GROQ_KEY_FILE", "/nonexistent/secret", 1);
    assert_false(config_load(path, &config, &err));
    assert_non_null(strstr(err.text, "/nonexistent/secret"));
    free(text);
    drop_temp(path);
    drop_temp(secret);
}

static void what_is_wrong_is_named_with_the_nearest_match(void **state)
{
    static const struct {
        const char *file, *says;
    } cases[] = {
        {"[redis]\nurll = x\n", "did you mean 'redis.url'"},
        {"[lissten]\nport = 1\n", "did you mean 'listen.port'"},
        {"[app a]\nsecrett = x\n", "did you mean 'secret'"},
        {"[app A b]\nsecret = x\n", "lower-case letters"},
        {"[listen]\nport = 70000\n", "not a number from 0 to 65535"},
        {"[listen]\nport = 8x\n", "not a number"},
        {"[worker]\nmark_read = maybe\n", "neither true nor false"},
        {"[log]\nlevel = loud\n", "none of debug, info"},
        {"[app a]\nverify_token = x\n", "secret is missing"},
        {"[encryption]\nkey = k1:00\n", "32 bytes are needed"},
        {"what is this\n", ":1: not a section"},
        {"[redis]\nurl = x\n    tpyo = 5\n", "unknown key 'redis.tpyo'"},
    };
    clear_environment();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = write_temp(cases[i].file);
        struct config config;
        struct err err = {0};
        if (config_load(path, &config, &err) || !strstr(err.text, cases[i].says))
            fail_msg("%s: '%s' does not say '%s'", cases[i].file, err.text, cases[i].says);
        drop_temp(path);
    }
}

static void a_misspelt_variable_is_an_error_and_a_foreign_one_is_not(void **state)
{
    clear_environment();
    struct config config;
    struct err err = {0};
    setenv("HOOKMILL_SOMETHING_ELSE", "x", 1);
    setenv("HOOKMILL_SIM_URL", "http://127.0.0.1:1", 1);
    setenv("HOOKMILL_APP_SECRET", "x", 1);
    assert_true(config_load(NULL, &config, &err));
    config_deinit(&config);
    setenv("HOOKMILL_REDIS_URI", "x", 1);
    assert_false(config_load(NULL, &config, &err));
    assert_non_null(strstr(err.text, "did you mean 'HOOKMILL_REDIS_URL'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_wins_over_the_file),
        cmocka_unit_test(a_secret_can_stand_in_a_file),
        cmocka_unit_test(what_is_wrong_is_named_with_the_nearest_match),
        cmocka_unit_test(a_misspelt_variable_is_an_error_and_a_foreign_one_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
