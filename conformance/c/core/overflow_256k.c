#define STACK (256 * 1024)
#include "overflow.h"
