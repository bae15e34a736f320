// build: c++ -std=c++20 -pedantic
#define LEAST 202000L
#include "cpp.h"
