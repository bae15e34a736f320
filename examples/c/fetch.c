/* Fetches a page over HTTP, as one would with blocking calls: connect by name, send, read lines,
 * copy the rest.
 *
 *   fetch HOST PORT|SERVICE [PATH]        the body goes to the standard output
 */
#include <errno.h>
#include <photonrt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LIMIT (10 * INT64_C(1000000000)) /* for each step */

typedef struct {
  const char *host, *service, *path;
} request_t;

static int fail(const char *what, int64_t err) {
  fprintf(stderr, "%s: %s\n", what, err < 0 ? co_strerror((int)err) : "the connection has ended");
  return 1;
}

static int fetch(const request_t *rq, int fd) {
  char head[2048], buf[8192], *line, *data;
  int n = snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", rq->path, rq->host);
  if (n < 0 || (size_t)n >= sizeof head)
    return fail("request", -E2BIG);
  int64_t r = co_io_write_all(fd, head, (size_t)n, NULL, LIMIT);
  if (r < 0)
    return fail("send", r);

  co_reader_t in = {.size = sizeof in};
  if ((r = co_reader_init(&in, fd, buf, sizeof buf)) < 0)
    return fail("reader", r);
  if ((r = co_reader_line(&in, &line, NULL, LIMIT)) != 1)
    return fail("status", r < 0 ? r : 0);
  fprintf(stderr, "%s\n", line);
  int64_t length = -1;
  for (;;) {
    if ((r = co_reader_line(&in, &line, NULL, LIMIT)) != 1)
      return fail("head", r < 0 ? r : 0);
    if (!*line)
      break;
    if (!strncasecmp(line, "content-length:", 15))
      length = strtoll(line + 15, NULL, 10);
  }

  /* What has been read ahead, then the rest straight from the socket. */
  int64_t ahead = co_reader_peek(&in, &data, 0, LIMIT);
  if (length >= 0 && ahead > length)
    ahead = length;
  if ((r = co_io_write_all(1, data, (size_t)ahead, NULL, LIMIT)) < 0)
    return fail("write", r);
  r = co_io_copy(fd, 1, length < 0 ? -1 : length - ahead, NULL, LIMIT);
  if (r < 0 || (length >= 0 && ahead + r != length))
    return fail("body", r < 0 ? r : 0);
  return 0;
}

static void *start(void *arg) {
  const request_t *rq = arg;
  int fd = co_tcp_connect_to(rq->host, rq->service, LIMIT);
  if (fd < 0)
    return fail(rq->host, fd), NULL;
  int r = fetch(rq, fd);
  co_io_close(fd);
  return r == 0 ? arg : NULL;
}

int main(int argc, char **argv) {
  if (argc < 3)
    return fprintf(stderr, "fetch HOST PORT|SERVICE [PATH]\n"), 2;
  request_t rq = {argv[1], argv[2], argc > 3 ? argv[3] : "/"};
  void *done = NULL;
  int r = co_run(NULL, start, &rq, &done);
  return r == 0 && done ? 0 : 1;
}
