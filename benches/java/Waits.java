// Virtual threads that sleep, wait, are interrupted, or have platform threads block for them.
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.atomic.AtomicInteger;

final class Waits {
  private Waits() {}

  private static double cpuMs() {
    var os = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return os.getProcessCpuTime() / 1e6;
  }

  private static double quantile(long[] sorted, double q) {
    return sorted[Math.min((int) (sorted.length * q), sorted.length - 1)] / 1e3;
  }

  private static void timers(int n, int divisor, boolean report) throws Exception {
    long x = 42;
    int[] ms = new int[n];
    long[] late = new long[n];
    for (int i = 0; i < n; i++) {
      x = x * 6364136223846793005L + 1442695040888963407L;
      ms[i] = (int) ((x >>> 33) % 1001) / divisor;
    }
    Thread[] all = new Thread[n];
    double cpu = cpuMs();
    long t0 = System.nanoTime();
    for (int i = 0; i < n; i++) {
      int me = i;
      all[i] = Bench.go(() -> {
        long from = System.nanoTime();
        Thread.sleep(ms[me]);
        late[me] = System.nanoTime() - from - ms[me] * 1_000_000L;
      });
    }
    Bench.joinAll(all);
    double wall = Bench.since(t0) / 1e6;
    cpu = cpuMs() - cpu;
    if (!report) return;
    Arrays.sort(late);
    if (late[0] < 0) Bench.fail("a sleep ended early");
    Bench.out("timers_wall", wall, "ms");
    Bench.out("timers_cpu", cpu, "ms");
    Bench.out("timers_min", quantile(late, 0), "us");
    Bench.out("timers_p50", quantile(late, 0.5), "us");
    Bench.out("timers_p99", quantile(late, 0.99), "us");
  }

  static void timers(int n) throws Exception {
    for (int i = 0; i < 2; i++) timers(n, 20, false); // for the JIT
    timers(n, 1, true);
  }

  // One queue for all receivers; a cancel is an interrupt. A SynchronousQueue forgets one that gave up in no time, an
  // ArrayBlockingQueue goes through all that wait (three times the time a task).
  private static double storm(int n) throws Exception {
    SynchronousQueue<Long> nothing = new SynchronousQueue<>();
    AtomicInteger ended = new AtomicInteger();
    Thread[] all = new Thread[n];
    for (int i = 0; i < n; i++) {
      boolean receives = i % 2 == 0;
      all[i] = Bench.go(() -> {
        try {
          if (receives) nothing.take();
          else Thread.sleep(3_600_000);
        } catch (InterruptedException e) {
          ended.incrementAndGet();
        }
      });
    }
    for (Thread t : all)
      while (t.getState() != Thread.State.WAITING && t.getState() != Thread.State.TIMED_WAITING) Thread.sleep(1);
    long t0 = System.nanoTime();
    for (Thread t : all) t.interrupt();
    Bench.joinAll(all);
    double took = Bench.since(t0);
    if (ended.get() != n) Bench.fail("not all ended by the cancel");
    return took / n;
  }

  static void cancelStorm(int n) throws Exception {
    double best = Double.MAX_VALUE;
    for (int i = 0; i < 8; i++) { // three of them for the JIT
      double each = storm(n);
      if (i >= 3) best = Math.min(best, each);
    }
    Bench.out(Bench.name, best, "ns");
    Bench.out(Bench.name + "_ended", n, "tasks");
  }

  // Foreign code that blocks holds a virtual thread's carrier, so it is given to platform threads.
  private static double offload(ExecutorService pool, long n) throws Exception {
    Runnable empty = () -> {};
    long t0 = System.nanoTime();
    for (long i = 0; i < n; i++) pool.submit(empty).get();
    return Bench.since(t0) / n;
  }

  static void offload(long n) throws Exception {
    ExecutorService pool = Executors.newCachedThreadPool();
    Bench.out(Bench.name, Bench.warm(2, n, m -> offload(pool, m)), "ns");
    pool.shutdown();
  }

  private static volatile boolean over;

  static void blocking64(int ms) throws Exception {
    ExecutorService pool = Executors.newCachedThreadPool();
    Thread[] stuck = new Thread[64], beside = new Thread[8];
    long[][] late = new long[8][ms * 4 + 1000];
    int[] sleeps = new int[8];
    long t0 = System.nanoTime();
    for (int i = 0; i < 8; i++) {
      int me = i;
      beside[i] = Bench.go(() -> {
        int k = 0;
        for (; !over; k++) {
          long from = System.nanoTime();
          Thread.sleep(1);
          late[me][k] = System.nanoTime() - from - 1_000_000;
        }
        sleeps[me] = k;
      });
    }
    for (int i = 0; i < 64; i++)
      stuck[i] = Bench.go(() -> pool.submit(() -> {
        Thread.sleep(ms);
        return null;
      }).get());
    Bench.joinAll(stuck);
    double wall = Bench.since(t0) / 1e6;
    over = true;
    Bench.joinAll(beside);
    pool.shutdown();
    int all = Arrays.stream(sleeps).sum(), at = 0;
    long[] sorted = new long[all];
    for (int i = 0; i < 8; i++) {
      System.arraycopy(late[i], 0, sorted, at, sleeps[i]);
      at += sleeps[i];
    }
    Arrays.sort(sorted);
    Bench.out(Bench.name, quantile(sorted, 0.99), "us");
    Bench.out(Bench.name + "_p50", quantile(sorted, 0.5), "us");
    Bench.out(Bench.name + "_max", quantile(sorted, 1), "us");
    Bench.out(Bench.name + "_wall", wall, "ms");
  }

  private static double status(String key) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status")))
      if (line.startsWith(key + ":")) return Double.parseDouble(line.replaceAll("[^0-9]", "")) * 1024;
    return 0;
  }

  static void parked(int n) throws Exception {
    System.gc();
    double rss = status("VmRSS"), pte = status("VmPTE");
    AtomicInteger up = new AtomicInteger();
    Semaphore never = new Semaphore(0);
    Thread[] all = new Thread[n]; // java-bench keeps the JVM from tracking them, so somebody must hold them
    for (int i = 0; i < n; i++)
      all[i] = Bench.go(() -> {
        up.incrementAndGet();
        never.acquire();
      });
    while (up.get() < n || never.getQueueLength() < n) Thread.sleep(50);
    System.gc(); // the heap shrinks to what lives: twice, for what the first makes free
    System.gc();
    Thread.sleep(200);
    Bench.out(Bench.name, (status("VmRSS") - rss) / n, "B/task");
    Bench.out(Bench.name + "_pte", (status("VmPTE") - pte) / n, "B/task");
    if (!all[n - 1].isAlive()) Bench.fail("a parked thread ended");
    Runtime.getRuntime().halt(0);
  }
}
