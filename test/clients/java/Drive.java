import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.common.protocol.Errors;

/** Does as the lines of JSON on its standard input say, each on a thread of its own, and answers in lines of JSON. */
public final class Drive {
    static final ObjectMapper JSON = new ObjectMapper();

    /** One thing that can be asked for: what is answered, or why it failed. */
    interface Call {
        Object carryOut(JsonNode arguments) throws Exception;
    }

    private Drive() {}

    public static void main(String[] words) throws Exception {
        Properties connection = connection(JSON.readTree(words[0]));
        Map<String, Call> calls = new HashMap<>();
        new Records(connection).offer(calls);
        new Members(connection).offer(calls);
        new Administration(connection).offer(calls);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonNode asked = JSON.readTree(line);
            new Thread(() -> answer(calls.get(asked.get("do").asText()), asked)).start();
        }
        System.exit(0);
    }

    private static Properties connection(JsonNode settings) {
        Properties made = new Properties();
        made.put("bootstrap.servers", settings.get("bootstrap").asText());
        made.put("client.id", settings.get("client_id").asText());
        made.put("reconnect.backoff.max.ms", "200");
        JsonNode sasl = settings.get("sasl");
        JsonNode authority = settings.get("ca");
        made.put("security.protocol", (sasl == null ? "" : "SASL_") + (authority == null ? "PLAINTEXT" : "SSL"));
        if (sasl != null) {
            String mechanism = sasl.get("mechanism").asText();
            String module = mechanism.equals("PLAIN") ? "plain.PlainLoginModule" : "scram.ScramLoginModule";
            made.put("sasl.mechanism", mechanism);
            made.put("sasl.jaas.config", "org.apache.kafka.common.security." + module + " required username=\""
                    + sasl.get("user").asText() + "\" password=\"" + sasl.get("password").asText() + "\";");
        }
        if (authority != null) {
            made.put("ssl.truststore.type", "PEM");
            made.put("ssl.truststore.location", authority.asText());
        }
        if (settings.has("identity")) { // one file with the key and the certificate
            made.put("ssl.keystore.type", "PEM");
            made.put("ssl.keystore.location", settings.get("identity").asText());
        }
        return made;
    }

    private static void answer(Call call, JsonNode asked) {
        Map<String, Object> said = new HashMap<>();
        said.put("id", asked.get("id").asInt());
        try {
            said.put("result", call.carryOut(asked));
        } catch (Throwable failed) {
            Throwable cause = failed;
            while ((cause instanceof ExecutionException || cause instanceof CompletionException) && cause.getCause() != null) {
                cause = cause.getCause();
            }
            said.put("error", nameOf(cause));
            said.put("message", String.valueOf(cause));
        }
        say(said);
    }

    /** Kafka's name of an error, or Java's. */
    static String nameOf(Throwable cause) {
        Errors known = Errors.forException(cause);
        return known == Errors.UNKNOWN_SERVER_ERROR ? cause.getClass().getSimpleName() : known.name();
    }

    static synchronized void say(Map<String, ?> said) {
        try {
            System.out.write((JSON.writeValueAsString(said) + "\n").getBytes(StandardCharsets.UTF_8));
            System.out.flush();
        } catch (java.io.IOException gone) {
            System.exit(1);
        }
    }

    static byte[] bytes(JsonNode base64) throws java.io.IOException {
        return base64 == null || base64.isNull() ? null : base64.binaryValue();
    }
}
