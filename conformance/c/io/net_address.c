#include "net.h"

/* co_addr_parse and co_addr_format from C's side. */
static struct sockaddr_storage addr;
static socklen_t len;

static void there_and_back(const char *from, const char *to) {
  char text[200], cut[200];
  CHECK_OK(co_addr_parse(from, &addr, &len));
  int n = co_addr_format((struct sockaddr *)&addr, len, text, sizeof text);
  if (n != (int)strlen(to) || strcmp(text, to))
    FAIL("\"%s\" becomes \"%s\" (%d), expected \"%s\"", from, text, n, to);
  CHECK_EQ(co_addr_format((struct sockaddr *)&addr, len, NULL, 0), n);
  for (int room = 1; room <= n; room++) {
    memset(cut, '!', sizeof cut);
    CHECK_EQ(co_addr_format((struct sockaddr *)&addr, len, cut, (size_t)room), n);
    CHECK(!memcmp(cut, to, (size_t)room - 1) && cut[room - 1] == 0 && cut[room] == '!');
  }
}

static void body(void) {
  static const char *const bad[] = {"",           "localhost:80", "1.2.3.4:65536", "1.2.3.4:",    "[::1",
                                    "[1.2.3.4]:1", "::1:80:",      "1.2.3:80",      "1.2.3.4:80 ", "unix:"};
  there_and_back("192.0.2.1:80", "192.0.2.1:80");
  struct sockaddr_in *v4 = (struct sockaddr_in *)&addr;
  CHECK_EQ(len, sizeof *v4);
  CHECK_EQ(v4->sin_family, AF_INET);
  CHECK_EQ(v4->sin_port, htons(80));
  CHECK_EQ(v4->sin_addr.s_addr, htonl(0xc0000201));
  there_and_back("[2001:db8::1]:443", "[2001:db8::1]:443");
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&addr;
  CHECK_EQ(len, sizeof *v6);
  CHECK(v6->sin6_family == AF_INET6 && v6->sin6_port == htons(443) && !v6->sin6_scope_id);
  there_and_back("2001:db8::1", "[2001:db8::1]:0");
  there_and_back("[fe80::1%1]:80", "[fe80::1%lo]:80");
  there_and_back("[fe80::1%lo]:80", "[fe80::1%lo]:80");
  there_and_back("unix:/run/some thing", "unix:/run/some thing");
  there_and_back("unix:@name", "unix:@name");
  CHECK_EQ(len, offsetof(struct sockaddr_un, sun_path) + 5); /* no zero byte belongs to it */
  for (size_t i = 0; i < COUNT_OF(bad); i++)
    if (co_addr_parse(bad[i], &addr, &len) != -EINVAL)
      FAIL("\"%s\" is taken for an address", bad[i]);
  CHECK_ERR(co_addr_parse("[fe80::1%none]:80", &addr, &len), ENODEV);
  char path[200] = "unix:";
  memset(path + 5, 'x', 108);
  CHECK_ERR(co_addr_parse(path, &addr, &len), ENAMETOOLONG);
  CHECK_ERR(co_addr_parse(NULL, &addr, &len), EINVAL);
  CHECK_ERR(co_addr_parse("1.2.3.4:5", NULL, &len), EINVAL);
  CHECK_ERR(co_addr_parse("1.2.3.4:5", &addr, NULL), EINVAL);

  CHECK_ERR(co_addr_format(NULL, len, path, 10), EFAULT);
  CHECK_ERR(co_addr_format((struct sockaddr *)&addr, len, NULL, 1), EFAULT);
  CHECK_OK(co_addr_parse("1.2.3.4:5", &addr, &len));
  CHECK_ERR(co_addr_format((struct sockaddr *)&addr, len - 1, path, 10), EINVAL);
  CHECK_ERR(co_addr_format((struct sockaddr *)&addr, 1, path, 10), EINVAL);
  addr.ss_family = AF_APPLETALK;
  CHECK_ERR(co_addr_format((struct sockaddr *)&addr, len, path, 10), EAFNOSUPPORT);

  /* What the system gives. */
  int fds[2];
  net_unix_pair(fds);
  len = sizeof addr;
  CHECK_SYS(getsockname(fds[0], (struct sockaddr *)&addr, &len));
  CHECK_EQ(co_addr_format((struct sockaddr *)&addr, len, path, sizeof path), 5);
  CHECK(!strcmp(path, "unix:"));
  net_close(fds);
}

PLAIN_CASE(body)
