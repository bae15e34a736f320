/* What the C cases share: checks that say what they saw, and the frame that a case runs in.
 *
 *   #include "check.h"
 *   static void body(void) { CHECK_EQ(co_sleep(0), 0); }
 *   CASE(body)
 *
 * CASE runs the body as the main coroutine of co_run with CONF_VCPUS vCPUs on the engine that
 * PHOTONRT_ENGINE names (CONF_ENGINE, where the library has the choice); PLAIN_CASE runs it on the
 * plain main thread, before any runtime exists.
 * A failed check prints file, line and values, and ends the process with 1: what comes after a
 * broken promise proves nothing. SKIP prints its reason and ends it with 77.
 *
 * The driver's watchdog sends SIGQUIT: a thread that waits for it prints every coroutine and the
 * runtime's figures, so that a hang shows who was waiting. */
#ifndef CONFORMANCE_CHECK_H
#define CONFORMANCE_CHECK_H

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <photonrt.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HELPER static inline __attribute__((unused))
#define US INT64_C(1000)
#define MS INT64_C(1000000)
#define SEC INT64_C(1000000000)
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

__attribute__((noreturn, format(printf, 3, 4))) HELPER void check_fail(
    const char *file, int line, const char *format, ...) {
  va_list args;
  fflush(stdout);
  fprintf(stderr, "%s:%d: ", file, line);
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  _exit(1);
}

/* The number as text, with its meaning if it can be an error. */
HELPER const char *check_text(long long v, char *text, size_t size) {
  if (v < 0 && v > -4096)
    snprintf(text, size, "%lld (%s)", v, co_strerror((int)v));
  else
    snprintf(text, size, "%lld", v);
  return text;
}

HELPER void check_equal(const char *file, int line, const char *what, long long got, long long want) {
  char a[128], b[128];
  if (got != want)
    check_fail(file, line, "%s is %s, expected %s", what, check_text(got, a, sizeof a),
               check_text(want, b, sizeof b));
}

#define FAIL(...) check_fail(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(cond) ((cond) ? (void)0 : FAIL("not true: %s", #cond))
/* Two integers are equal. */
#define CHECK_EQ(got, want) \
  check_equal(__FILE__, __LINE__, #got, (long long)(got), (long long)(want))
/* A co_* call has succeeded with 0, or failed with -E. */
#define CHECK_OK(call) CHECK_EQ(call, 0)
#define CHECK_ERR(call, e) CHECK_EQ(call, -(e))
/* A libc call has not failed; gives its value. */
#define CHECK_SYS(call) check_sys(__FILE__, __LINE__, #call, (long long)(call))
/* One integer is at least another. */
#define CHECK_GE(got, low) check_at_least(__FILE__, __LINE__, #got, (long long)(got), (long long)(low))

HELPER int check_sys(const char *file, int line, const char *what, long long got) {
  if (got < 0)
    check_fail(file, line, "%s: %s", what, strerror(errno));
  return (int)got;
}

HELPER void check_at_least(const char *file, int line, const char *what, long long got, long long low) {
  char text[128];
  if (got < low)
    check_fail(file, line, "%s is %s, expected at least %lld", what, check_text(got, text, sizeof text), low);
}

__attribute__((noreturn, format(printf, 1, 2))) HELPER void SKIP(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  putchar('\n');
  fflush(stdout);
  _exit(77);
}

/* vCPUs that this run of the case is to use. */
HELPER uint32_t conf_vcpus(void) {
  const char *text = getenv("CONF_VCPUS");
  long n = text ? strtol(text, NULL, 10) : 1;
  if (n < 1 || n > 256)
    FAIL("CONF_VCPUS=%s is not a number of vCPUs", text);
  return (uint32_t)n;
}

HELPER co_config_t conf_config(void) {
  co_config_t cfg;
  memset(&cfg, 0, sizeof cfg);
  cfg.size = sizeof cfg;
  cfg.vcpus = conf_vcpus();
  return cfg;
}

HELPER co_attr_t conf_attr(void) {
  co_attr_t attr;
  memset(&attr, 0, sizeof attr);
  attr.size = sizeof attr;
  return attr;
}

HELPER co_stats_t conf_stats(void) {
  co_stats_t stats;
  memset(&stats, 0, sizeof stats);
  stats.size = sizeof stats;
  CHECK_OK(co_stats(&stats));
  return stats;
}

HELPER co_info_t conf_info(co_t co) {
  co_info_t info;
  memset(&info, 0, sizeof info);
  info.size = sizeof info;
  CHECK_OK(co_info(co, &info));
  return info;
}

/* The engine in use is the one that the driver asked for. */
HELPER void conf_check_engine(void) {
  const char *name = getenv("CONF_ENGINE");
  name = name ? name : getenv("PHOTONRT_ENGINE");
  if (name && !strcmp(name, "uring"))
    CHECK_EQ(conf_stats().engine, CO_ENGINE_URING);
  if (name && !strcmp(name, "ready"))
    CHECK_EQ(conf_stats().engine, CO_ENGINE_READY);
  if (name && !strcmp(name, "offload"))
    CHECK_EQ(conf_stats().engine, CO_ENGINE_OFFLOAD);
}

HELPER void conf_init(void) {
  co_config_t cfg = conf_config();
  CHECK_OK(co_init(&cfg));
  conf_check_engine();
}

/* A coroutine that must be had. */
HELPER co_t conf_spawn(co_entry_t fn, void *arg) {
  co_t co = 0;
  CHECK_OK(co_spawn(&co, NULL, fn, arg));
  CHECK(co != 0);
  return co;
}

/* The same on vCPU `vcpu` of the default group, as far as there are that many. */
HELPER co_t conf_spawn_on(uint32_t vcpu, co_entry_t fn, void *arg) {
  co_t co = 0;
  co_attr_t attr = conf_attr();
  attr.vcpu = vcpu > conf_vcpus() ? conf_vcpus() : vcpu;
  CHECK_OK(co_spawn(&co, &attr, fn, arg));
  return co;
}

HELPER void *conf_join(co_t co) {
  void *result = NULL;
  CHECK_OK(co_join(co, &result, CO_FOREVER));
  return result;
}

/* Lets the others run until `co` is in `state`. */
HELPER void conf_until_state(co_t co, uint32_t state) {
  while (conf_info(co).state != state)
    CHECK_OK(co_sleep(50 * US));
}

/* Until only `n` coroutines are alive: an ended one is counted out shortly after its joiner knows. */
HELPER void conf_until_live(uint64_t n) {
  while (conf_stats().live != n)
    CHECK_OK(co_sleep(50 * US));
}

HELPER pthread_t conf_thread(void *(*fn)(void *), void *arg) {
  pthread_t thread;
  int err = pthread_create(&thread, NULL, fn, arg);
  if (err)
    FAIL("pthread_create: %s", strerror(err));
  return thread;
}

HELPER void *conf_thread_join(pthread_t thread) {
  void *result = NULL;
  int err = pthread_join(thread, &result);
  if (err)
    FAIL("pthread_join: %s", strerror(err));
  return result;
}

/* Runs `fn` on a plain thread to its end while the caller, a coroutine, sleeps. */
typedef struct {
  void *(*fn)(void *);
  void *arg;
  atomic_int done;
} conf_call_t;

HELPER void *conf_call(void *arg) {
  conf_call_t *call = arg;
  void *result = call->fn(call->arg);
  atomic_store(&call->done, 1);
  return result;
}

HELPER void *conf_on_thread(void *(*fn)(void *), void *arg) {
  conf_call_t call = {fn, arg, 0};
  pthread_t thread = conf_thread(conf_call, &call);
  while (!atomic_load(&call.done))
    CHECK_OK(co_sleep(100 * US));
  return conf_thread_join(thread);
}

/* A generator of one's own: the same numbers in each run (xorshift64*, Vigna 2016). */
HELPER uint64_t conf_rand(uint64_t *state) {
  uint64_t x = *state ? *state : UINT64_C(0x9e3779b97f4a7c15);
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  *state = x;
  return x * UINT64_C(2685821657736338717);
}

HELPER int conf_dump_one(const co_info_t *info, void *arg) {
  static const char *const states[] = {"?", "fresh", "ready", "running", "parked", "ended"};
  int *left = arg;
  fprintf(stderr, "  %#" PRIx64 " %s group %#" PRIx64 " vcpu %u \"%s\"\n", (uint64_t)info->co,
          info->state < COUNT_OF(states) ? states[info->state] : "?", (uint64_t)info->group, info->vcpu,
          info->name);
  return --*left == 0;
}

HELPER void *conf_watch(void *arg) {
  sigset_t *set = arg;
  int sig, left = 100;
  co_stats_t stats = {.size = sizeof stats};
  while (sigwait(set, &sig)) {
  }
  fprintf(stderr, "the watchdog ended this case; its coroutines (100 at most):\n");
  if (co_stats(&stats) == 0)
    fprintf(stderr, "  live %" PRIu64 " spawned %" PRIu64 " polls %" PRIu64 " wakeups %" PRIu64 "\n",
            (uint64_t)stats.live, (uint64_t)stats.spawned, (uint64_t)stats.polls, (uint64_t)stats.wakeups);
  co_foreach(conf_dump_one, &left);
  _exit(124);
}

/* The watchdog's ear, and writes to a broken pipe as errors. */
HELPER void conf_start(void) {
  static sigset_t set;
  pthread_attr_t attr;
  pthread_t thread;
  setvbuf(stdout, NULL, _IOLBF, 0);
  signal(SIGPIPE, SIG_IGN);
  sigemptyset(&set);
  sigaddset(&set, SIGQUIT);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, 1024 * 1024);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  if (pthread_create(&thread, &attr, conf_watch, &set))
    FAIL("no thread for the watchdog");
  pthread_attr_destroy(&attr);
}

static void (*conf_body)(void);

HELPER void *conf_entry(void *arg) {
  conf_check_engine();
  conf_body();
  return arg;
}

HELPER int conf_main(void (*body)(void)) {
  co_config_t cfg = conf_config();
  void *result = NULL;
  conf_start();
  conf_body = body;
  CHECK_OK(co_run(&cfg, conf_entry, &cfg, &result));
  CHECK(result == &cfg);
  return 0;
}

#define CASE(body) \
  int main(void) { return conf_main(body); }
#define PLAIN_CASE(body) \
  int main(void) {       \
    conf_start();        \
    body();              \
    return 0;            \
  }

#endif
