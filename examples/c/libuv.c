/* Coroutines inside somebody else's event loop, here libuv's: one thread runs both.
 *
 *   uv_run --+-- uv_timer, uv_tcp: libuv's own, an echo server with callbacks
 *            +-- uv_poll on co_group_fd: co_group_poll(group, CO_NOW)
 *                  the group's coroutines: clients of that server, written with blocking calls
 *
 * The clients also sleep, and call a second group that has a thread of its own. Any loop that can wait
 * for a descriptor will do in libuv's place. */
/* libs: -luv */
#define _GNU_SOURCE /* uv.h wants more than C11 */
#include <arpa/inet.h>
#include <photonrt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define MS INT64_C(1000000)
enum { CLIENTS = 20, LINES = 25 };

static uv_loop_t loop;
static uv_timer_t ticker;
static uv_tcp_t server;
static uv_poll_t door;
static co_group_t group, elsewhere;
static struct sockaddr_in address;
static int ticks, echoed, calls, running = CLIENTS;

static int64_t must(const char *what, int64_t r) {
  if (r < 0) {
    fprintf(stderr, "%s: %s\n", what, strerror((int)-r)); /* libuv's errors are -errno too */
    exit(1);
  }
  return r;
}

/* ---- libuv's side: callbacks. */

static void on_closed(uv_handle_t *handle) {
  free(handle);
}

static void on_written(uv_write_t *request, int status) {
  must("uv_write", status);
  free(request->data);
  free(request);
}

static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  (void)handle;
  *buf = uv_buf_init(malloc(size), (unsigned)size);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  if (n < 0) {
    free(buf->base);
    uv_close((uv_handle_t *)stream, on_closed);
    return;
  }
  uv_write_t *request = malloc(sizeof *request);
  uv_buf_t out = uv_buf_init(buf->base, (unsigned)n);
  if (!request)
    exit(1);
  request->data = buf->base;
  must("uv_write", uv_write(request, stream, &out, 1, on_written));
}

static void on_connection(uv_stream_t *listener, int status) {
  uv_tcp_t *client = malloc(sizeof *client);
  if (!client)
    exit(1);
  must("connection", status);
  must("uv_tcp_init", uv_tcp_init(&loop, client));
  must("uv_accept", uv_accept(listener, (uv_stream_t *)client));
  must("uv_read_start", uv_read_start((uv_stream_t *)client, on_room, on_read));
}

static void on_tick(uv_timer_t *timer) {
  (void)timer;
  ticks++;
}

/* ---- The door: all that the two worlds need of each other. */

static void on_door(uv_poll_t *poll, int status, int events) {
  (void)poll, (void)events;
  must("uv_poll", status);
  must("co_group_poll", co_group_poll(group, CO_NOW));
}

/* ---- The coroutines' side: blocking calls. */

static void *add(void *arg) {
  co_sleep(MS / 2);
  calls++; /* of that group only */
  return arg;
}

static void *client(void *arg) {
  char line[64], back[64];
  int fd = (int)must("co_io_socket", co_io_socket(AF_INET, SOCK_STREAM, 0));
  must("co_io_connect", co_io_connect(fd, (struct sockaddr *)&address, sizeof address, 1000 * MS));
  for (int i = 0; i < LINES; i++) {
    size_t n = (size_t)snprintf(line, sizeof line, "%p says %d\n", arg, i), got = 0;
    must("co_io_send", co_io_send(fd, line, n, 0, 1000 * MS));
    while (got < n)
      got += (size_t)must("co_io_recv", co_io_recv(fd, back + got, n - got, 0, 1000 * MS));
    if (memcmp(line, back, n))
      exit(1);
    echoed++;
    if (i % 5 == 0)
      must("co_sleep", co_sleep(2 * MS));
    if (i % 5 == 1)
      must("co_group_call", co_group_call(elsewhere, add, NULL, NULL, CO_FOREVER));
  }
  must("co_io_close", co_io_close(fd));
  /* A coroutine of this group runs on the loop's thread, so it may call libuv. */
  if (--running == 0)
    uv_stop(&loop);
  return NULL;
}

int main(void) {
  const co_config_t cfg = {.size = sizeof cfg, .vcpus = 1};
  const co_group_attr_t external = {.size = sizeof external, .flags = CO_GROUP_EXTERNAL, .name = "uv"};
  int size = sizeof address;
  must("co_init", co_init(&cfg));
  must("co_group_create", co_group_create(&group, &external));
  must("co_group_create", co_group_create(&elsewhere, NULL));

  must("uv_loop_init", uv_loop_init(&loop));
  must("uv_timer_init", uv_timer_init(&loop, &ticker));
  must("uv_timer_start", uv_timer_start(&ticker, on_tick, 1, 1));
  must("uv_tcp_init", uv_tcp_init(&loop, &server));
  must("uv_ip4_addr", uv_ip4_addr("127.0.0.1", 0, &address));
  must("uv_tcp_bind", uv_tcp_bind(&server, (struct sockaddr *)&address, 0));
  must("uv_listen", uv_listen((uv_stream_t *)&server, CLIENTS, on_connection));
  must("name", uv_tcp_getsockname(&server, (struct sockaddr *)&address, &size));
  must("uv_poll_init", uv_poll_init(&loop, &door, (int)must("co_group_fd", co_group_fd(group))));
  must("uv_poll_start", uv_poll_start(&door, UV_READABLE, on_door));

  for (intptr_t i = 1; i <= CLIENTS; i++) {
    const co_attr_t attr = {.size = sizeof attr, .group = group};
    must("co_spawn", co_spawn(NULL, &attr, client, (void *)i));
  }
  uv_run(&loop, UV_RUN_DEFAULT);

  uv_close((uv_handle_t *)&door, NULL);
  uv_close((uv_handle_t *)&ticker, NULL);
  uv_close((uv_handle_t *)&server, NULL);
  uv_run(&loop, UV_RUN_DEFAULT); /* until all is closed */
  must("uv_loop_close", uv_loop_close(&loop));
  must("co_group_destroy", co_group_destroy(group, CO_FOREVER));
  must("co_group_destroy", co_group_destroy(elsewhere, CO_FOREVER));
  must("co_shutdown", co_shutdown(CO_FOREVER));
  printf("uv_ticks %d\n", ticks);
  printf("echoed %d lines\n", echoed);
  printf("calls %d\n", calls);
  return ticks == 0 || echoed != CLIENTS * LINES || calls != CLIENTS * LINES / 5;
}
