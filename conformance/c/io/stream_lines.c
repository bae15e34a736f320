#include "net.h"

/* co_reader_*: lines however they are cut into pieces, and what a stop leaves. */
static int fds[2];
static co_reader_t reader;
static char buffer[16];

static void make(int fd, size_t capacity) {
  memset(&reader, 0xa5, sizeof reader);
  reader.size = sizeof reader;
  CHECK_OK(co_reader_init(&reader, fd, buffer, capacity));
}

static void put(const char *text) {
  CHECK_EQ(co_io_write_all(fds[1], text, strlen(text), NULL, CO_FOREVER), strlen(text));
}

static void expect_line(int kind, const char *text) {
  char *line = NULL;
  size_t len = 99;
  CHECK_EQ(co_reader_line(&reader, &line, &len, 10 * SEC), kind);
  if (strcmp(line, text) || len != strlen(text))
    FAIL("the line is \"%s\", %zu long, expected \"%s\"", line, len, text);
}

static void lines(void) {
  char *line = NULL;
  CHECK_SYS(pipe2(fds, O_CLOEXEC));
  make(fds[0], sizeof buffer);
  put("one\ntwo\r\n\n\r\nr\rr\n");
  expect_line(1, "one");
  expect_line(1, "two");
  expect_line(1, "");
  expect_line(1, "");
  expect_line(1, "r\rr");
  CHECK_ERR(co_reader_line(&reader, &line, NULL, CO_NOW), EAGAIN);
  put("be");
  CHECK_ERR(co_reader_line(&reader, &line, NULL, 2 * MS), ETIMEDOUT);
  put("gin\r");
  CHECK_ERR(co_reader_line(&reader, &line, NULL, CO_NOW), EAGAIN);
  put("\n12345678901234\r\n123456789012345\nno end");
  expect_line(1, "begin");
  expect_line(1, "12345678901234");
  expect_line(1, "123456789012345"); /* with its newline it just fits */
  CHECK_OK(co_io_close(fds[1]));
  expect_line(2, "no end");
  for (int i = 0; i < 2; i++)
    CHECK_EQ(co_reader_line(&reader, &line, NULL, CO_FOREVER), 0);
  CHECK_OK(co_io_close(fds[0]));
  CHECK_ERR(co_reader_line(&reader, &line, NULL, CO_FOREVER), EBADF);
}

/* A line that is too long stays, and can be had in other ways. */
static void too_long(void) {
  char *line = NULL, big[64], piece[64];
  net_unix_pair(fds);
  make(fds[0], sizeof buffer);
  put("x\n0123456789abcdefghij\nlast");
  expect_line(1, "x");
  for (int i = 0; i < 2; i++)
    CHECK_ERR(co_reader_line(&reader, &line, NULL, CO_FOREVER), EMSGSIZE);
  CHECK_EQ(co_reader_peek(&reader, &line, 0, CO_NOW), 16);
  CHECK(!memcmp(line, "0123456789abcdef", 16));
  CHECK_ERR(co_reader_rebuffer(&reader, big, 15), EMSGSIZE);
  CHECK_EQ(co_reader_read(&reader, piece, 4, CO_NOW), 4);
  CHECK(!memcmp(piece, "0123", 4));
  CHECK_OK(co_reader_rebuffer(&reader, big, sizeof big));
  memset(buffer, 0, sizeof buffer);
  expect_line(1, "456789abcdefghij");
  CHECK_OK(co_reader_rebuffer(&reader, buffer, 4)); /* exactly */
  CHECK_ERR(co_reader_line(&reader, &line, NULL, CO_FOREVER), EMSGSIZE);
  CHECK_OK(co_reader_consume(&reader, 1));
  CHECK_OK(co_io_close(fds[1]));
  expect_line(2, "ast");
  CHECK_OK(co_io_close(fds[0]));
}

static void pieces(void) {
  char *data = NULL, out[64];
  size_t done = 99;
  net_unix_pair(fds);
  make(fds[0], sizeof buffer);
  put("$5\r\nhello\r\n0123456789abcdefghijklmnopqrstuv+OK\r\nend");
  expect_line(1, "$5");
  CHECK_GE(co_reader_peek(&reader, &data, 7, CO_FOREVER), 7);
  CHECK(!memcmp(data, "hello\r\n", 7));
  CHECK_OK(co_reader_consume(&reader, 7));
  CHECK_EQ(co_reader_read_full(&reader, out, 32, &done, CO_FOREVER), 32);
  CHECK_EQ(done, 32);
  CHECK(!memcmp(out, "0123456789abcdefghijklmnopqrstuv", 32));
  CHECK_ERR(co_reader_peek(&reader, &data, 17, CO_NOW), EMSGSIZE);
  expect_line(1, "+OK");
  CHECK_ERR(co_reader_peek(&reader, &data, 4, CO_NOW), EAGAIN);
  CHECK_ERR(co_reader_read_full(&reader, out, 4, &done, 2 * MS), ETIMEDOUT);
  CHECK_EQ(done, 3);
  CHECK(!memcmp(out, "end", 3));
  CHECK_ERR(co_reader_read(&reader, out, 1, CO_NOW), EAGAIN);
  put("xyz");
  CHECK_EQ(co_reader_read(&reader, out, sizeof out, CO_FOREVER), 3); /* around the buffer */
  put("xyz");
  CHECK_EQ(co_reader_read(&reader, out, 2, CO_FOREVER), 2);
  CHECK_OK(co_io_close(fds[1]));
  CHECK_EQ(co_reader_peek(&reader, &data, 5, CO_FOREVER), 1);
  CHECK_EQ(co_reader_read_full(&reader, out, 5, &done, CO_FOREVER), 1);
  CHECK_EQ(out[0], 'z');
  CHECK_EQ(co_reader_read(&reader, out, 5, CO_FOREVER), 0);
  CHECK_EQ(co_reader_peek(&reader, &data, 5, CO_FOREVER), 0);
  CHECK_OK(co_io_close(fds[0]));
}

/* Numbered lines of random lengths, written in random pieces, through buffers of many sizes. */
static char text[40000];
static size_t text_len;

static void *feed(void *arg) {
  uint64_t seed = (uint64_t)(uintptr_t)arg;
  for (size_t at = 0, n; at < text_len; at += n) {
    n = conf_rand(&seed) % 200 + 1;
    n = n < text_len - at ? n : text_len - at;
    CHECK_EQ(co_io_write_all(fds[1], text + at, n, NULL, CO_FOREVER), n);
    if (conf_rand(&seed) % 4 == 0)
      co_yield_now();
  }
  CHECK_OK(co_io_close(fds[1]));
  return arg;
}

static void random_pieces(uint64_t round) {
  static char room[400];
  uint64_t seed = round + 1, again;
  size_t capacity = 50 + conf_rand(&seed) % 300;
  text_len = 0;
  for (int i = 0; text_len < sizeof text - 100; i++) {
    text_len += (size_t)sprintf(text + text_len, "%d", i);
    for (size_t n = conf_rand(&seed) % 40; n; n--)
      text[text_len++] = (char)('a' + n % 26);
    text_len += (size_t)sprintf(text + text_len, i % 3 ? "\n" : "\r\n");
  }
  net_unix_pair(fds);
  co_t co = conf_spawn_on(2, feed, (void *)(uintptr_t)(round + 1));
  reader.size = sizeof reader;
  CHECK_OK(co_reader_init(&reader, fds[0], room, capacity));
  again = round + 1;
  conf_rand(&again);
  char *line;
  size_t len;
  int i = 0, r;
  while ((r = co_reader_line(&reader, &line, &len, i % 2 ? CO_FOREVER : 100 * US)) != 0) {
    if (r == -ETIMEDOUT)
      continue;
    char want[64];
    int n = sprintf(want, "%d", i++);
    for (size_t k = conf_rand(&again) % 40; k; k--)
      want[n++] = (char)('a' + k % 26);
    want[n] = 0;
    CHECK_EQ(r, 1);
    CHECK_EQ(len, n);
    CHECK(!strcmp(line, want));
  }
  conf_join(co);
  CHECK_OK(co_io_close(fds[0]));
}

static void *blocked(void *arg) {
  char *line;
  CHECK_ERR(co_reader_line(&reader, &line, NULL, CO_FOREVER), (int)(intptr_t)arg);
  return arg;
}

static void stops(void) {
  net_unix_pair(fds);
  make(fds[0], sizeof buffer);
  put("kept ");
  for (int i = 0; i < 2; i++) {
    char *data;
    co_t co = conf_spawn_on(2, blocked, (void *)(intptr_t)(i ? EINTR : ECANCELED));
    do
      CHECK_OK(co_sleep(200 * US));
    while (conf_info(co).state != CO_STATE_PARKED);
    /* Meanwhile nobody else may use it. */
    CHECK_ERR(co_reader_line(&reader, &data, NULL, CO_NOW), EBUSY);
    CHECK_ERR(co_reader_peek(&reader, &data, 1, CO_NOW), EBUSY);
    CHECK_ERR(co_reader_consume(&reader, 0), EBUSY);
    CHECK_ERR(co_reader_rebuffer(&reader, data, 1), EBUSY);
    CHECK_ERR(co_reader_read(&reader, text, 1, CO_NOW), EBUSY);
    CHECK_ERR(co_reader_read_full(&reader, text, 1, NULL, CO_NOW), EBUSY);
    CHECK_OK(i ? co_interrupt(co, EINTR) : co_cancel(co));
    conf_join(co);
  }
  put("line\nx\n");
  CHECK_OK(co_interrupt(co_self(), ETIME)); /* a cancellation point, even with a line there */
  CHECK_ERR(co_reader_line(&reader, &(char *){NULL}, NULL, CO_FOREVER), ETIME);
  expect_line(1, "kept line");
  expect_line(1, "x");
  net_close(fds);
}

static void *errors(void *arg) {
  static char room[8];
  char *data;
  co_reader_t r;
  memset(&r, 0, sizeof r);
  CHECK_ERR(co_reader_init(&r, 0, room, sizeof room), EINVAL); /* no size */
  r.size = sizeof r;
  CHECK_ERR(co_reader_line(&r, &data, NULL, CO_NOW), EINVAL); /* not initialised */
  CHECK_ERR(co_reader_init(NULL, 0, room, sizeof room), EINVAL);
  CHECK_ERR(co_reader_init(&r, 0, NULL, sizeof room), EINVAL);
  CHECK_ERR(co_reader_init(&r, 0, room, 0), EINVAL);
  CHECK_ERR(co_reader_init(&r, -1, room, sizeof room), EBADF);
  CHECK_SYS(pipe2(fds, O_CLOEXEC));
  CHECK_OK(co_reader_init(&r, fds[0], room, sizeof room));
  CHECK_ERR(co_reader_line(NULL, &data, NULL, CO_NOW), EINVAL);
  CHECK_ERR(co_reader_line(&r, NULL, NULL, CO_NOW), EINVAL);
  CHECK_ERR(co_reader_line(&r, &data, NULL, -2), EINVAL);
  CHECK_ERR(co_reader_peek(&r, NULL, 1, CO_NOW), EINVAL);
  CHECK_ERR(co_reader_peek(&r, &data, 9, CO_NOW), EMSGSIZE);
  CHECK_ERR(co_reader_read(&r, NULL, 1, CO_NOW), EFAULT);
  CHECK_ERR(co_reader_read_full(&r, NULL, 1, NULL, CO_NOW), EFAULT);
  CHECK_EQ(co_reader_read(&r, NULL, 0, CO_NOW), 0);
  CHECK_ERR(co_reader_consume(&r, 1), EINVAL);
  CHECK_ERR(co_reader_rebuffer(&r, NULL, 1), EINVAL);
  CHECK_ERR(co_reader_rebuffer(&r, room, 0), EINVAL);
  CHECK_ERR(co_reader_line(&r, &data, NULL, CO_NOW), EAGAIN);
  CHECK_ERR(co_reader_line(&r, &data, NULL, MS), ETIMEDOUT);
  net_close(fds);
  return arg;
}

static void body(void) {
  lines();
  too_long();
  pieces();
  for (uint64_t round = 0; round < 6; round++)
    random_pieces(round);
  stops();
  errors(NULL);
  conf_on_thread(errors, NULL);
}

CASE(body)
