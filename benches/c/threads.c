// Blocking system calls on OS threads, without a runtime: what stream is compared with.
// bench stream1|stream2 [N]
#include "stream.h"
#include <pthread.h>

static const char *name;
static uint64_t messages;
static int two;
static void *sender(void *arg) {
  int fd = ((int *)arg)[0];
  char *msg = stream_buffer(name);
  if (two) pin_cpu(0);
  for (uint64_t i = 0; i < messages; i++)
    for (size_t done = 0; done < MESSAGE;) {
      ssize_t n = write(fd, msg + done, MESSAGE - done);
      if (n < 0) fail(name, "write");
      done += (size_t)n;
    }
  free(msg);
  return arg;
}
static void *receiver(void *arg) {
  int fd = ((int *)arg)[1];
  char *msg = stream_buffer(name);
  if (two) pin_cpu(1);
  for (uint64_t i = 0; i < messages; i++)
    for (size_t got = 0; got < MESSAGE;) {
      ssize_t n = read(fd, msg + got, MESSAGE - got);
      if (n <= 0) fail(name, "read");
      got += (size_t)n;
    }
  free(msg);
  return arg;
}
int main(int argc, char **argv) {
  int fd[2];
  struct stream_clock c;
  pthread_t from, to;
  name = argc > 1 ? argv[1] : "?";
  two = !strcmp(name, "stream2");
  if (!two && strcmp(name, "stream1")) skip(name, "stream1 and stream2 only");
  uint64_t n = arg_n(argc, argv, 2, 20000);
  stream_pair(name, fd);
  for (int warm = 1; warm >= 0; warm--) {
    messages = warm ? n / 20 + 1 : n;
    stream_begin(&c);
    if (pthread_create(&to, NULL, receiver, fd) || pthread_create(&from, NULL, sender, fd))
      fail(name, "no thread");
    pthread_join(from, NULL);
    pthread_join(to, NULL);
  }
  stream_end(name, &c, messages);
  return 0;
}
