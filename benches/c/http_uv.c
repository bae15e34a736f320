// libuv: callbacks, a loop for each OS thread (SO_REUSEPORT). http PORT NTHREADS | bench offload [N]
//
// One receive buffer a thread is enough: what a callback gets, it uses up. Answers go out by
// uv_try_write, and through the queue only when the socket is full.
#include "http.h"
#include <pthread.h>
#include <uv.h>

struct conn {
  uv_tcp_t tcp;
  unsigned st;
};
static int port;
static void on_close(uv_handle_t *h) { free(h->data); }
static void on_alloc(uv_handle_t *h, size_t n, uv_buf_t *b) {
  static __thread char buf[4096];
  (void)h;
  (void)n;
  *b = uv_buf_init(buf, sizeof buf);
}
static void on_write(uv_write_t *w, int status) {
  (void)status;
  free(w);
}
static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b) {
  struct conn *c = s->data;
  if (n < 0) {
    uv_close((uv_handle_t *)s, on_close);
    return;
  }
  for (int k = http_feed(&c->st, b->base, (size_t)n); k > 0; k--) {
    uv_buf_t r = uv_buf_init((char *)(uintptr_t)RESP, RESP_LEN);
    int sent = uv_try_write(s, &r, 1);
    if (sent == (int)RESP_LEN) continue;
    if (sent > 0) r = uv_buf_init(r.base + sent, (unsigned)RESP_LEN - (unsigned)sent);
    uv_write_t *w = malloc(sizeof *w);
    if (!w || uv_write(w, s, &r, 1, on_write)) fail("http", "uv_write");
  }
}
static void on_conn(uv_stream_t *l, int status) {
  struct conn *c = status ? NULL : calloc(1, sizeof *c);
  if (!c) return;
  uv_tcp_init(l->loop, &c->tcp);
  c->tcp.data = c;
  if (uv_accept(l, (uv_stream_t *)&c->tcp)) {
    uv_close((uv_handle_t *)&c->tcp, on_close);
    return;
  }
  uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}
static void *loop(void *arg) {
  uv_loop_t lp;
  uv_tcp_t l;
  uv_loop_init(&lp);
  uv_tcp_init(&lp, &l);
  if (uv_tcp_open(&l, http_listen(port, SOCK_NONBLOCK)) || uv_listen((uv_stream_t *)&l, 4096, on_conn))
    fail("http", "uv_listen");
  uv_run(&lp, UV_RUN_DEFAULT);
  return arg;
}
// ---- offload: a request to the thread pool, and from its callback in the loop the next
static uint64_t todo, warm, t0;
static void nothing(uv_work_t *w) { (void)w; }
static void done(uv_work_t *w, int status) {
  if (status) fail("offload", "uv_queue_work");
  if (--todo == warm) t0 = now_ns();
  if (todo && uv_queue_work(w->loop, w, nothing, done)) fail("offload", "uv_queue_work");
}
static void offload(uint64_t n) {
  uv_work_t w;
  todo = n + n / 20 + 1; // at least one round trip to warm up
  warm = n;
  if (uv_queue_work(uv_default_loop(), &w, nothing, done)) fail("offload", "uv_queue_work");
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  out("offload", (double)(now_ns() - t0) / (double)n, "ns");
}
int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "offload")) {
    offload(arg_n(argc, argv, 2, 100000));
    return 0;
  }
  if (argc < 3 || strcmp(argv[1], "http")) skip(argc > 1 ? argv[1] : "?", "there are no tasks in it");
  port = atoi(argv[2]);
  if (argc > 3 && atoi(argv[3]) > 1) {
    pthread_t t;
    pthread_create(&t, NULL, loop, NULL);
  }
  loop(NULL);
}
