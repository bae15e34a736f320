// The C library's smallest program: main is a thread.
int main(void) { return 0; }
