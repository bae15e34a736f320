// Go: a program that runs main as the first goroutine, and no more. For `size` and `startup_min`.
package main

func main() {}
