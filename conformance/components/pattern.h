// Bytes that can be made and checked anywhere in a stream, without keeping it: what lies at a position
// depends on the position and a seed alone.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t pattern_word(uint64_t seed, uint64_t index) {
  uint64_t x = (index + 1) * 0x9e3779b97f4a7c15ull + (seed << 32 | seed);
  x = (x ^ (x >> 29)) * 0xbf58476d1ce4e5b9ull;
  return x ^ (x >> 32);
}

// The bytes from `at` on, `n` of them.
static inline void pattern_fill(uint64_t seed, uint64_t at, unsigned char *p, size_t n) {
  while (n > 0) {
    uint64_t w = pattern_word(seed, at / 8);
    size_t skip = at % 8, part = 8 - skip < n ? 8 - skip : n;
    memcpy(p, (unsigned char *)&w + skip, part);
    p += part, at += part, n -= part;
  }
}

// How many of the `n` bytes from `at` on are right before the first that is not.
static inline size_t pattern_check(uint64_t seed, uint64_t at, const unsigned char *p, size_t n) {
  size_t good = 0;
  while (good < n) {
    uint64_t w = pattern_word(seed, (at + good) / 8);
    size_t skip = (at + good) % 8, part = 8 - skip < n - good ? 8 - skip : n - good;
    if (memcmp(p + good, (unsigned char *)&w + skip, part)) {
      while (p[good] == ((unsigned char *)&w)[skip]) good++, skip++;
      return good;
    }
    good += part;
  }
  return good;
}
