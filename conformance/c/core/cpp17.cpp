// build: c++ -std=c++17 -pedantic
#define LEAST 201700L
#include "cpp.h"
