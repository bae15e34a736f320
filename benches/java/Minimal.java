// The smallest program: main, as a virtual thread, which ends at once.
import java.util.concurrent.ThreadFactory;

public final class Minimal {
  private Minimal() {}

  public static void main(String[] args) throws Exception {
    Object builder = Thread.class.getMethod("ofVirtual").invoke(null);
    Object made = Class.forName("java.lang.Thread$Builder").getMethod("factory").invoke(builder);
    Thread t = ((ThreadFactory) made).newThread(() -> {});
    t.start();
    t.join();
  }
}
