// Reference server on io_uring: multishot accept into direct descriptors, multishot recv
// with a provided-buffer ring, sends queued and submitted in one io_uring_enter per batch.
// http PORT NTHREADS
#include "http.h"
#include <liburing.h>
#include <pthread.h>

#define NBUF 1024 // power of two
#define BUFSZ 2048
#define NFILES 65536 // at most
#define BGID 1
enum { ACC = 1, RECV, SEND, CLOSE };
#define UD(op, fd) (((uint64_t)(op) << 32) | (uint32_t)(fd))

static int port;
static struct io_uring_sqe *sqe_get(struct io_uring *r) {
  struct io_uring_sqe *s;
  while (!(s = io_uring_get_sqe(r))) io_uring_submit(r);
  return s;
}
static void arm_accept(struct io_uring *r, int lfd) {
  struct io_uring_sqe *s = sqe_get(r);
  io_uring_prep_multishot_accept_direct(s, lfd, NULL, NULL, 0);
  io_uring_sqe_set_data64(s, UD(ACC, 0));
}
static void arm_recv(struct io_uring *r, int fd) {
  struct io_uring_sqe *s = sqe_get(r);
  io_uring_prep_recv_multishot(s, fd, NULL, 0, 0);
  s->flags |= IOSQE_BUFFER_SELECT | IOSQE_FIXED_FILE;
  s->buf_group = BGID;
  io_uring_sqe_set_data64(s, UD(RECV, fd));
}
static void *loop(void *arg) {
  (void)arg;
  struct io_uring ring;
  struct io_uring_params p;
  memset(&p, 0, sizeof p);
  p.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  p.flags |= IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL;
  p.cq_entries = 8192;
  int rc = io_uring_queue_init_params(1024, &ring, &p);
  if (rc < 0) { fprintf(stderr, "io_uring: %s\n", strerror(-rc)); exit(3); }
  io_uring_register_ring_fd(&ring);
  uint64_t files = raise_files(); // the kernel's table may be as long as ours
  rc = io_uring_register_files_sparse(&ring, files < NFILES ? (unsigned)files : NFILES);
  if (rc < 0) { fprintf(stderr, "files: %s\n", strerror(-rc)); exit(3); }
  size_t ring_sz = NBUF * sizeof(struct io_uring_buf);
  struct io_uring_buf_ring *br;
  char *bufs;
  if (posix_memalign((void **)&br, 4096, ring_sz)) exit(1);
  if (posix_memalign((void **)&bufs, 4096, NBUF * BUFSZ)) exit(1);
  struct io_uring_buf_reg reg = {.ring_addr = (uint64_t)(uintptr_t)br, .ring_entries = NBUF, .bgid = BGID};
  rc = io_uring_register_buf_ring(&ring, &reg, 0);
  if (rc < 0) { fprintf(stderr, "buf_ring: %s\n", strerror(-rc)); exit(3); }
  io_uring_buf_ring_init(br);
  for (int i = 0; i < NBUF; i++)
    io_uring_buf_ring_add(br, bufs + i * BUFSZ, BUFSZ, (unsigned short)i, io_uring_buf_ring_mask(NBUF), i);
  io_uring_buf_ring_advance(br, NBUF);
  static __thread unsigned char st[NFILES];
  int lfd = http_listen(port, 0);
  arm_accept(&ring, lfd);
  for (;;) {
    rc = io_uring_submit_and_wait(&ring, 1);
    if (rc < 0 && rc != -EINTR && rc != -EBUSY) { fprintf(stderr, "enter: %s\n", strerror(-rc)); exit(1); }
    struct io_uring_cqe *c;
    unsigned head, seen = 0, back = 0;
    io_uring_for_each_cqe(&ring, head, c) {
      seen++;
      int op = (int)(c->user_data >> 32), fd = (int)(uint32_t)c->user_data;
      if (op == ACC) {
        if (c->res >= 0) { st[c->res] = 0; arm_recv(&ring, c->res); }
        if (!(c->flags & IORING_CQE_F_MORE)) arm_accept(&ring, lfd);
      } else if (op == RECV) {
        int k = 0;
        if (c->flags & IORING_CQE_F_BUFFER) {
          unsigned bid = c->flags >> IORING_CQE_BUFFER_SHIFT;
          char *b = bufs + bid * BUFSZ;
          if (c->res > 0) {
            unsigned s = st[fd];
            k = http_feed(&s, b, (size_t)c->res);
            st[fd] = (unsigned char)s;
          }
          io_uring_buf_ring_add(br, b, BUFSZ, (unsigned short)bid, io_uring_buf_ring_mask(NBUF), (int)back++);
        }
        if (c->res > 0) {
          while (k--) {
            struct io_uring_sqe *s = sqe_get(&ring);
            io_uring_prep_send(s, fd, RESP, RESP_LEN, MSG_NOSIGNAL | MSG_WAITALL);
            s->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
            io_uring_sqe_set_data64(s, UD(SEND, fd));
          }
          if (!(c->flags & IORING_CQE_F_MORE)) arm_recv(&ring, fd);
        } else if (c->res == -ENOBUFS) {
          arm_recv(&ring, fd);
        } else if (!(c->flags & IORING_CQE_F_MORE)) {
          struct io_uring_sqe *s = sqe_get(&ring);
          io_uring_prep_close_direct(s, (unsigned)fd);
          s->flags |= IOSQE_CQE_SKIP_SUCCESS;
          io_uring_sqe_set_data64(s, UD(CLOSE, fd));
        }
      } // a failed SEND is followed by the end of its RECV
    }
    io_uring_buf_ring_advance(br, (int)back);
    io_uring_cq_advance(&ring, seen);
  }
  return NULL;
}
int main(int argc, char **argv) {
  if (argc < 3 || strcmp(argv[1], "http")) skip(argc > 1 ? argv[1] : "?", "http only");
  port = atoi(argv[2]);
  int nt = argc > 3 ? atoi(argv[3]) : 1;
  if (nt > 1) {
    pthread_t t;
    pthread_create(&t, NULL, loop, NULL);
  }
  loop(NULL);
}
