/* The C++ cases: the includer says which standard is the LEAST it is compiled as. */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <photonrt.h>

#if __cplusplus < LEAST
#error "not compiled as the C++ that the case is about"
#endif

static void *child(void *arg) {
  co_yield_now();
  *static_cast<int *>(arg) += 1;
  return arg;
}

static void *entry(void *arg) {
  co_t co = 0;
  co_attr_t attr{};
  attr.size = sizeof attr;
  attr.stack_size = 64 * 1024;
  attr.name = "from C++";
  if (co_spawn(&co, &attr, child, arg) != 0 || co_join(co, nullptr, CO_FOREVER) != 0)
    return nullptr;
  return co_sleep(1000) == 0 ? arg : nullptr;
}

int main() {
  const char *text = std::getenv("CONF_VCPUS");
  co_config_t cfg{};
  cfg.size = sizeof cfg;
  cfg.vcpus = text ? static_cast<uint32_t>(std::atoi(text)) : 1;
  int n = 1;
  void *result = nullptr;
  int r = co_run(&cfg, entry, &n, &result);
  if (r != 0 || result != &n || n != 2) {
    std::fprintf(stderr, "co_run is %d (%s), n is %d\n", r, co_strerror(r), n);
    return 1;
  }
  return 0;
}
