// What virtual threads do to each other: park and unpark, java.util.concurrent's semaphore and lock.
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

final class Sync {
  private static volatile int turn; // whose it is: park may return for no reason, so it says when to go on
  private static int counted;

  private Sync() {}

  static double park(long n) throws Exception {
    turn = 0;
    Thread[] side = new Thread[2];
    side[1] = Bench.go(() -> {
      for (long i = 0; i < n; i++) {
        while (turn != 1) LockSupport.park();
        turn = 0;
        LockSupport.unpark(side[0]);
      }
    });
    double[] took = new double[1];
    Semaphore known = new Semaphore(0); // the other side must know whom to wake
    side[0] = Bench.go(() -> {
      known.acquire();
      long t0 = System.nanoTime();
      for (long i = 0; i < n; i++) {
        turn = 1;
        LockSupport.unpark(side[1]);
        while (turn != 0) LockSupport.park();
      }
      took[0] = Bench.since(t0);
    });
    known.release();
    Bench.joinAll(side);
    return took[0] / n;
  }

  static double semaphores(long n) throws Exception {
    Semaphore there = new Semaphore(0), back = new Semaphore(0);
    double[] took = new double[1];
    Thread pong = Bench.go(() -> {
      for (long i = 0; i < n; i++) {
        there.acquire();
        back.release();
      }
    });
    Thread ping = Bench.go(() -> {
      long t0 = System.nanoTime();
      for (long i = 0; i < n; i++) {
        there.release();
        back.acquire();
      }
      took[0] = Bench.since(t0);
    });
    pong.join();
    ping.join();
    return took[0] / n;
  }

  private static void count(ReentrantLock lock) {
    lock.lock();
    try {
      counted++;
    } finally {
      lock.unlock();
    }
  }

  static double free(long n) {
    ReentrantLock lock = new ReentrantLock();
    counted = 0;
    long t0 = System.nanoTime();
    for (long i = 0; i < n; i++) count(lock);
    double took = Bench.since(t0);
    if (counted != n) Bench.fail("wrong count");
    return took / n;
  }

  static double contended(long n) throws Exception {
    ReentrantLock lock = new ReentrantLock();
    Thread[] all = new Thread[64];
    counted = 0;
    long t0 = System.nanoTime();
    for (int i = 0; i < 64; i++)
      all[i] = Bench.go(() -> {
        for (long k = 0; k < n / 64; k++) count(lock);
      });
    Bench.joinAll(all);
    double took = Bench.since(t0);
    if (counted != n / 64 * 64) Bench.fail("wrong count");
    return took / counted;
  }

  private static volatile boolean begun, over;

  static void fair(long ms) throws Exception {
    contended(640_000); // for the JIT
    ReentrantLock lock = new ReentrantLock();
    AtomicInteger arrived = new AtomicInteger();
    long[] turns = new long[64];
    double[] took = new double[1];
    // An OS thread keeps the clock.
    Thread clock = new Thread(() -> {
      try {
        while (arrived.get() < 64) Thread.sleep(1);
        long t0 = System.nanoTime();
        begun = true;
        Thread.sleep(ms);
        over = true;
        took[0] = Bench.since(t0);
      } catch (InterruptedException e) {
        Bench.fail("interrupted");
      }
    });
    clock.start();
    Thread[] all = new Thread[64];
    for (int i = 0; i < 64; i++) {
      int me = i;
      all[i] = Bench.go(() -> {
        arrived.incrementAndGet();
        while (!begun) Thread.sleep(1);
        long mine = 0;
        for (; !over; mine++) count(lock);
        turns[me] = mine;
      });
    }
    Bench.joinAll(all);
    clock.join();
    long least = Long.MAX_VALUE, most = 0, sum = 0;
    for (long t : turns) {
      least = Math.min(least, t);
      most = Math.max(most, t);
      sum += t;
    }
    Bench.out(Bench.name, (double) least / most, "x");
    Bench.out(Bench.name + "_turn", took[0] / sum, "ns");
  }
}
