// State Threads' smallest program: st_init makes main the first thread.
#include <st.h>

int main(void) { return st_init() != 0; }
