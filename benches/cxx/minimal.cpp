// Boost.Fiber: a program that runs main as the first fiber (which it is, once the library is asked for anything),
// and no more. For `size` and `startup_min`.
#include <boost/fiber/all.hpp>

int main() { boost::this_fiber::yield(); }
