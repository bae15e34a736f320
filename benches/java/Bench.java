// Java virtual threads (Loom). bench NAME [N] | http PORT THREADS; the number of carriers is set by java-bench.
//
// Compiled for release 17, since a JRE with virtual threads comes without a compiler and Debian's compiler is
// older: the factory of virtual threads is fetched by reflection once; calls after that are direct.
//
// The JIT needs more warming up than 5 % of the work: each workload runs some rounds before that are not counted.
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;

public final class Bench {
  private static final ThreadFactory VIRTUAL = factory();
  static String name;
  private static String[] args;

  private Bench() {}

  private static ThreadFactory factory() {
    try {
      Object builder = Thread.class.getMethod("ofVirtual").invoke(null);
      return (ThreadFactory) Class.forName("java.lang.Thread$Builder").getMethod("factory").invoke(builder);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  interface Body {
    void run() throws Exception;
  }

  interface Timed {
    double run(long n) throws Exception;
  }

  static Thread go(Body body) {
    Thread t = VIRTUAL.newThread(() -> {
      try {
        body.run();
      } catch (Throwable e) {
        e.printStackTrace();
        Runtime.getRuntime().halt(1);
      }
    });
    t.start();
    return t;
  }

  static void joinAll(Thread[] all) throws InterruptedException {
    for (Thread t : all) t.join();
  }

  static void out(String row, double value, String unit) {
    System.out.printf("%s %.2f %s%n", row, value, unit);
    System.out.flush();
  }

  static void fail(String why) {
    System.err.println(name + ": FAILED: " + why);
    Runtime.getRuntime().halt(1);
  }

  static void skip(String why) {
    System.err.println(name + ": skipped: " + why);
    System.exit(3);
  }

  static double since(long t0) {
    return System.nanoTime() - t0;
  }

  static long count(long byDefault) {
    return args.length > 1 ? Long.parseLong(args[1]) : byDefault;
  }

  /** After `rounds` of a tenth of the work. */
  static double warm(int rounds, long n, Timed work) throws Exception {
    for (int i = 0; i < rounds; i++) work.run(n / 10);
    return work.run(n);
  }

  // yield2, yield1k, yield100k
  private static double yields(int tasks, long n) throws Exception {
    int each = (int) (n / tasks) + 1;
    AtomicInteger arrived = new AtomicInteger(), done = new AtomicInteger();
    long[] at = new long[2];
    Thread[] all = new Thread[tasks];
    for (int i = 0; i < tasks; i++)
      all[i] = go(() -> {
        if (arrived.incrementAndGet() == tasks) at[0] = System.nanoTime();
        while (arrived.get() < tasks) Thread.yield();
        for (int k = 0; k < each; k++) Thread.yield();
        if (done.incrementAndGet() == tasks) at[1] = System.nanoTime();
      });
    joinAll(all);
    return (double) (at[1] - at[0]) / ((double) each * tasks);
  }

  private static void yields(int tasks) throws Exception {
    for (int i = 0; i < 3; i++) yields(Math.min(tasks, 1000), count(20_000_000) / 10);
    out(name, yields(tasks, count(20_000_000)), "ns");
  }

  private static double spawnJoin(long n) throws Exception {
    long t0 = System.nanoTime();
    for (long i = 0; i < n; i++) go(() -> {}).join();
    return since(t0) / n;
  }

  private static double spawnBatch(int n) throws Exception {
    Thread[] all = new Thread[n];
    long t0 = System.nanoTime();
    for (int i = 0; i < n; i++) all[i] = go(() -> {});
    joinAll(all);
    return since(t0) / n;
  }

  private static void spawnBatch() throws Exception {
    double best = Double.MAX_VALUE;
    for (int i = 0; i < 8; i++) { // three of them for the JIT
      double each = spawnBatch((int) count(100_000));
      if (i >= 3) best = Math.min(best, each);
    }
    out(name, best, "ns");
  }

  private static double spawnMt(long n) throws Exception {
    AtomicInteger left = new AtomicInteger((int) (n / 2 * 2));
    CountDownLatch end = new CountDownLatch(1);
    long t0 = System.nanoTime();
    for (int s = 0; s < 2; s++)
      go(() -> {
        for (long i = 0; i < n / 2; i++)
          go(() -> {
            if (left.decrementAndGet() == 0) end.countDown();
          });
      });
    end.await();
    return since(t0) / n;
  }

  private static long sky(long num, int size) throws Exception {
    if (size == 1) return num;
    long[] sums = new long[10];
    Thread[] kids = new Thread[10];
    for (int i = 0; i < 10; i++) {
      int k = i;
      kids[i] = go(() -> sums[k] = sky(num + (long) k * (size / 10), size / 10));
    }
    long sum = 0;
    for (int i = 0; i < 10; i++) {
      kids[i].join();
      sum += sums[i];
    }
    return sum;
  }

  private static void skynet() throws Exception {
    int n = (int) count(1_000_000);
    for (int round = 0; round < 4; round++) { // the last is the second after two for the JIT
      long t0 = System.nanoTime();
      if (sky(0, n) != (long) n * (n - 1) / 2) fail("wrong sum");
      if (round == 3) out(name, since(t0) / 1e6, "ms");
    }
  }

  private static void run() throws Exception {
    switch (name) {
      case "yield2": yields(2); break;
      case "yield1k": yields(1000); break;
      case "yield100k": yields(100_000); break;
      case "spawn_join": out(name, warm(3, count(2_000_000), Bench::spawnJoin), "ns"); break;
      case "spawn_batch": spawnBatch(); break;
      case "spawn_mt": out(name, warm(3, count(1_000_000), Bench::spawnMt), "ns"); break;
      case "skynet": skynet(); break;
      case "pingpong": out(name, warm(2, count(5_000_000), Sync::park), "ns"); break;
      case "sem_pingpong": out(name, warm(2, count(5_000_000), Sync::semaphores), "ns"); break;
      case "mutex_free": out(name, warm(2, count(50_000_000), Sync::free), "ns"); break;
      case "mutex64": out(name, warm(2, count(6_400_000), Sync::contended), "ns"); break;
      case "mutex64_fair": Sync.fair(count(1000)); break;
      case "chan_pingpong": Chans.pingpong(count(5_000_000)); break;
      case "chan_1_1": out(name, warm(2, count(5_000_000), n -> Chans.shared(n, 1, 1)), "ns"); break;
      case "chan_n_1": out(name, warm(2, count(5_000_000), n -> Chans.shared(n, 8, 1)), "ns"); break;
      case "chan_n_m": out(name, warm(2, count(5_000_000), n -> Chans.shared(n, 8, 8)), "ns"); break;
      case "timers": Waits.timers((int) count(100_000)); break;
      case "cancel_storm": Waits.cancelStorm((int) count(10_000)); break;
      case "offload": Waits.offload(count(100_000)); break;
      case "blocking64": Waits.blocking64((int) count(1000)); break;
      case "parked": Waits.parked((int) count(1_000_000)); break;
      case "parked30k": Waits.parked((int) count(30_000)); break;
      case "select8": skip("Java has no select over queues"); break;
      case "pingpong_x": case "pingpong_x_busy": case "pingpong_x_sleep": case "chan_pingpong_x":
        skip("a virtual thread can't be bound to a carrier");
        break;
      default: skip("not in this program");
    }
  }

  public static void main(String[] given) throws Exception {
    if (given.length < 1) System.exit(2);
    args = given;
    name = given[0];
    // The driver is a virtual thread too.
    go(name.equals("http") ? () -> Http.serve((int) count(8080)) : Bench::run).join();
  }
}
