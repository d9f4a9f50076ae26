// SPDX-License-Identifier: MIT
// Listening sockets and the supervisor's table of them.

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "process/sockets.h"

static int connect_to(int port, bool wait)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (wait ? 0 : SOCK_NONBLOCK), 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int result = connect(fd, (struct sockaddr *)&address, sizeof address);
    assert_true(result == 0 || (!wait && errno == EINPROGRESS));
    return fd;
}

static void a_taken_port_is_an_error_that_names_it(void **state)
{
    struct err err = {0};
    int fd = socket_listen("127.0.0.1", 0, true, &err);
    assert_true(fd >= 0);
    char port[16];
    snprintf(port, sizeof port, "%d", socket_port(fd));
    assert_int_equal(socket_listen("127.0.0.1", socket_port(fd), false, &err), -1);
    assert_non_null(strstr(err.text, port));
    // Another program's that shares its port is taken, too.
    struct supervisor_socket row = {
        .address = "127.0.0.1", .port = socket_port(fd), .per_child = true};
    struct sockets sockets = {0};
    assert_false(sockets_open(&sockets, &row, 1, 2, &err));
    assert_non_null(strstr(err.text, port));
    sockets_deinit(&sockets);
    assert_int_equal(socket_listen("no.such.host.invalid", 1, false, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    close(fd);
}

static void a_refusing_socket_keeps_its_queue_and_lets_nobody_else_in(void **state)
{
    struct err err = {0};
    int fd = socket_listen("127.0.0.1", 0, false, &err);
    int before = connect_to(socket_port(fd), true);
    socket_refuse(fd);
    int after = connect_to(socket_port(fd), false);
    int accepted = accept(fd, NULL, NULL);
    assert_true(accepted >= 0);
    assert_int_equal(accept(fd, NULL, NULL), -1);
    assert_int_equal(write(before, "x", 1), 1); // what was let in is not filtered
    char byte;
    assert_int_equal(read(accepted, &byte, 1), 1);
    struct pollfd connecting = {.fd = after, .events = POLLOUT};
    assert_int_equal(poll(&connecting, 1, 50), 0);
    close(fd);
    // Now its next try is refused: a clear answer.
    assert_int_equal(poll(&connecting, 1, 10000), 1);
    assert_true(connecting.revents & POLLERR);
    close(accepted);
    close(before);
    close(after);
}

static void each_child_has_a_socket_of_its_own_on_one_port(void **state)
{
    const struct supervisor_socket rows[] = {{.address = "127.0.0.1", .per_child = true},
                                             {.address = "127.0.0.1", .port = 0}};
    struct sockets sockets = {0};
    struct err err = {0};
    assert_true(sockets_open(&sockets, rows, 2, 3, &err));
    assert_int_equal(sockets.count, 4);
    int port = socket_port(sockets_find(&sockets, &rows[0], 0)->fd);
    size_t count;
    int *fds[3];
    for (unsigned child = 0; child < 3; child++) {
        fds[child] = sockets_of_child(&sockets, rows, 2, 3, child, &count);
        assert_int_equal(count, 2);
        assert_int_equal(socket_port(fds[child][0]), port);
        assert_int_equal(fds[child][1], fds[0][1]); // shared
    }
    assert_int_not_equal(fds[0][0], fds[1][0]);
    for (unsigned child = 0; child < 3; child++)
        free(fds[child]);
    sockets_deinit(&sockets);
}

// What a supervisor with more children left behind is served by those that there are now.
static void a_successor_takes_sockets_over(void **state)
{
    const struct supervisor_socket row = {.address = "127.0.0.1", .per_child = true};
    struct sockets old = {0}, new = {0};
    struct err err = {0};
    assert_true(sockets_open(&old, &row, 1, 3, &err));
    for (size_t i = 0; i < old.count; i++)
        assert_true(sockets_adopt(&new, "127.0.0.1", 0, (int)i, dup(old.entries[i].fd)));
    int elsewhere = socket_listen("127.0.0.1", 0, false, &err);
    assert_true(sockets_adopt(&new, "::1", 8080, -1, elsewhere));
    assert_true(sockets_open(&new, &row, 1, 2, &err));
    assert_int_equal(new.count, 4);
    size_t count;
    int *fds = sockets_of_child(&new, &row, 1, 2, 0, &count);
    assert_int_equal(count, 2);
    assert_int_equal(fds[0], new.entries[0].fd);
    assert_int_equal(fds[1], new.entries[2].fd);
    free(fds);
    sockets_close_unwanted(&new);
    assert_int_equal(new.count, 3);
    assert_int_equal(fcntl(elsewhere, F_GETFD), -1);
    int fd = dup(STDOUT_FILENO);
    assert_false(sockets_adopt(&new, "x", 1, 0, fd)); // no listening socket
    close(fd);
    sockets_deinit(&new);
    sockets_deinit(&old);
}

int main(void)
{
    mem_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_taken_port_is_an_error_that_names_it),
        cmocka_unit_test(a_refusing_socket_keeps_its_queue_and_lets_nobody_else_in),
        cmocka_unit_test(each_child_has_a_socket_of_its_own_on_one_port),
        cmocka_unit_test(a_successor_takes_sockets_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
