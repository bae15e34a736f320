#define STACK (16 * 1024)
#include "overflow.h"
