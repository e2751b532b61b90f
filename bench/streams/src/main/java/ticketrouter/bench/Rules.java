package ticketrouter.bench;

import static ticketrouter.bench.Json.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32C;
import ticketrouter.bench.Decision.Contact;
import ticketrouter.bench.Decision.Party;

/**
 * The decision table, written from its description in words and not from the router's code, so that each checks the other.
 *
 * <p>One thing is simpler than there: a publisher that asks about another publisher's offer is not looked up by itself.
 */
final class Rules {
  private static final String PARTNER = "OWNER_PARTNER";
  private static final String PUBLISHER = "OWNER_PUBLISHER";
  private static final String MICROSOFT = "OWNER_MICROSOFT_COMMERCE";
  private static final Party COMMERCE_NEXT = new Party(MICROSOFT, "");
  private static final String RESELLER = "MODEL_INDIRECT_RESELLER";

  private static final Set<String> ROLES = Set.of("ROLE_CUSTOMER", "ROLE_PARTNER", "ROLE_PUBLISHER");
  private static final Set<String> COMMERCE =
      Set.of(
          "CATEGORY_BILLING",
          "CATEGORY_SUBSCRIPTION_MANAGEMENT",
          "CATEGORY_ACCOUNT_SETUP",
          "CATEGORY_PAYMENT",
          "CATEGORY_OFFER_MANAGEMENT",
          "CATEGORY_TRANSACTION",
          "CATEGORY_ACCOUNT_SUPPORT");
  private static final Set<String> AZURE = Set.of("CATEGORY_DEPLOYMENT", "CATEGORY_PROVISIONING");
  private static final String USER_SUPPORT = "CATEGORY_USER_SUPPORT";
  private static final String BREAK_FIX = "CATEGORY_BREAK_FIX";
  private static final String PUBLISHER_CONTACT = "CATEGORY_PUBLISHER_CONTACT";
  private static final String ENABLEMENT = "CATEGORY_PARTNER_ENABLEMENT";
  private static final String NO_CATEGORY = "CATEGORY_UNSPECIFIED";
  private static final Set<String> OTHERS =
      Set.of(USER_SUPPORT, BREAK_FIX, PUBLISHER_CONTACT, ENABLEMENT, "CATEGORY_OTHER", NO_CATEGORY);

  /** What is said of a rule, beside what it does. */
  private record Text(String reason, String... clauses) {}

  private static final Map<String, Text> TEXTS =
      Map.ofEntries(
          Map.entry("customer-user-support", new Text("The publisher gives user support for its own offer; by our reading, a partner that has not elected to coordinate technical support refers such tickets.", "S3", "S5")),
          Map.entry("customer-break-fix", new Text("The publisher repairs its own offer; by our reading, that includes outages, and a partner that has not elected to coordinate technical support refers such tickets.", "S3", "S5")),
          Map.entry("customer-technical-coordinated", new Text("The customer's partner has elected to coordinate technical support itself, and turns to the publisher where it needs help.", "S4", "S5")),
          Map.entry("customer-commerce", new Text("The customer's partner is the first contact for billing, subscriptions, accounts and payment; what it cannot solve it raises itself.", "S1", "S5")),
          Map.entry("customer-azure", new Text("A customer's deployment or provisioning problem is its partner's to solve; the partner can turn to Microsoft if the offer is Azure-based, else to the publisher.", "S5", "S6")),
          Map.entry("customer-other", new Text("The customer's partner is responsible for all support that is not technical.", "S5")),
          Map.entry("partner-user-support", new Text("Partners ask the publisher of the offer how to use it.", "S2")),
          Map.entry("partner-break-fix", new Text("Partners turn to the publisher when its offer does not work; that this includes outages is our reading.", "S2")),
          Map.entry("reseller-commerce", new Text("By our reading, an indirect reseller asks its indirect provider first; the provider turns to Microsoft commerce where it must.", "S8", "S6")),
          Map.entry("reseller-azure", new Text("By our reading, an indirect reseller asks its indirect provider first; the provider turns to Microsoft if the offer is Azure-based, else to the publisher.", "S8", "S6")),
          Map.entry("reseller-other", new Text("By our reading, an indirect reseller asks its indirect provider first; the provider turns to the publisher where it must.", "S8", "S6")),
          Map.entry("partner-commerce", new Text("Microsoft supports partners on its commerce system; by our reading, subscriptions, account set-up and payment are part of it.", "S6")),
          Map.entry("partner-publisher-contact", new Text("Microsoft gives partners access to the support contacts of a publisher.", "S7", "S9")),
          Map.entry("partner-azure-based", new Text("Microsoft supports partners on deploying and provisioning Azure-based solutions.", "S6")),
          Map.entry("partner-not-azure-based", new Text("The publisher supports partners on deploying and provisioning an offer that is not Azure-based.", "S7")),
          Map.entry("partner-other", new Text("Partners contact the publisher for documentation, training and every other kind of support for its offer.", "S4", "S7", "S9")),
          Map.entry("publisher-commerce", new Text("Microsoft supports publishers on its commerce system; by our reading, subscriptions, account set-up and payment are part of it.", "S6")),
          Map.entry("publisher-azure-based", new Text("Microsoft supports publishers on deploying and provisioning Azure-based solutions.", "S6")),
          Map.entry("publisher-not-azure-based", new Text("A publisher deploys and provisions its own offer where that is not Azure-based.", "S3", "S7")),
          Map.entry("publisher-own-support", new Text("A publisher gives technical support for its own offer, by our reading outages included, and documents it for partners.", "S3", "S4")));

  private final Routing routing;
  private final String category;

  private Rules(Routing routing) {
    this.routing = routing;
    String named = text(routing.ticket(), "category");
    this.category = named.isEmpty() ? NO_CATEGORY : named;
  }

  static Decision decide(Routing routing) {
    Rules rules = new Rules(routing);
    String unfit = rules.unfit();
    if (unfit != null) {
      return rules.triage(unfit);
    }
    return switch (routing.role()) {
      case "ROLE_CUSTOMER" -> rules.customer();
      case "ROLE_PARTNER" -> rules.partner();
      default -> rules.publisher();
    };
  }

  /** Why no rule is even asked; null where one is. */
  private String unfit() {
    String role = routing.role();
    if (role.isEmpty() || role.equals("ROLE_UNSPECIFIED")) {
      return "MISSING_ROLE";
    }
    if (!ROLES.contains(role)) {
      return "UNKNOWN_ROLE";
    }
    if (!COMMERCE.contains(category) && !AZURE.contains(category) && !OTHERS.contains(category)) {
      return "UNKNOWN_CATEGORY";
    }
    boolean byPartner = role.equals("ROLE_PARTNER");
    boolean byPublisher = role.equals("ROLE_PUBLISHER");
    if ((byPartner || byPublisher) && routing.requesterId().isEmpty()) {
      return "MISSING_REQUESTER";
    }
    if (routing.offerId() != null && routing.offer() == null) {
      return "UNKNOWN_OFFER";
    }
    boolean isOnboarding = byPublisher && COMMERCE.contains(category) && routing.offerId() == null;
    if (routing.publisherId() != null && routing.publisher() == null && !isOnboarding) {
      return "UNKNOWN_PUBLISHER";
    }
    if (routing.partnerId() != null && routing.partner() == null) {
      return "UNKNOWN_PARTNER";
    }
    if (routing.offer() != null && routing.offer().path("firstParty").asBoolean()) {
      return "FIRST_PARTY_OFFER";
    }
    if (byPublisher && routing.offer() != null && !routing.requesterId().equals(offerPublisher())) {
      return "REQUESTER_NOT_PUBLISHER";
    }
    String named = text(routing.ticket(), "partnerId");
    if (byPartner && !named.isEmpty() && !named.equals(routing.requesterId())) {
      return "CONTRADICTORY_PARTNER";
    }
    return null;
  }

  // ---- Rows 1 to 6.

  private Decision customer() {
    JsonNode assigned = routing.partner();
    if (assigned != null && isReseller(assigned) && providerHandles(assigned)) {
      String missing = providerMissing();
      if (missing != null) {
        return triage(missing);
      }
      assigned = routing.provider();
    }
    boolean isTechnical = category.equals(USER_SUPPORT) || category.equals(BREAK_FIX);
    if (isTechnical && !text(assigned, "technicalSupport").equals("TECHNICAL_SUPPORT_COORDINATE")) {
      if (routing.offer() == null) {
        return triage("MISSING_OFFER");
      }
      Party next = assigned == null ? null : new Party(PARTNER, text(assigned, "id"));
      return category.equals(USER_SUPPORT)
          ? owned("customer-user-support", PUBLISHER, offerPublisher(), "c", next)
          : owned("customer-break-fix", PUBLISHER, offerPublisher(), "e", next);
    }
    if (assigned == null) {
      return triage("MISSING_PARTNER");
    }
    String id = text(assigned, "id");
    if (isTechnical) {
      return owned("customer-technical-coordinated", PARTNER, id, "ce", publisherNext());
    }
    if (COMMERCE.contains(category)) {
      return owned("customer-commerce", PARTNER, id, "", providerOr(assigned, COMMERCE_NEXT));
    }
    if (AZURE.contains(category)) {
      return owned("customer-azure", PARTNER, id, "e", providerOr(assigned, azureNext()));
    }
    return owned("customer-other", PARTNER, id, "p", providerOr(assigned, publisherNext()));
  }

  private boolean providerHandles(JsonNode partner) {
    for (JsonNode handled : partner.path("providerHandles")) {
      if (handled.asText().equals(category)) {
        return true;
      }
    }
    return false;
  }

  private Party providerOr(JsonNode assigned, Party otherwise) {
    if (!isReseller(assigned)) {
      return otherwise;
    }
    return providerMissing() == null ? new Party(PARTNER, text(routing.provider(), "id")) : null;
  }

  // ---- Rows 7 to 14.

  private Decision partner() {
    if (category.equals(USER_SUPPORT)) {
      return publishers("partner-user-support", "c");
    }
    if (category.equals(BREAK_FIX)) {
      return publishers("partner-break-fix", "e");
    }
    JsonNode asking = routing.partner();
    boolean isAzure = AZURE.contains(category);
    if (text(asking, "model").isEmpty()) {
      return triage("MISSING_MODEL");
    }
    if (isReseller(asking)) {
      String missing = providerMissing();
      if (missing != null) {
        return triage(missing);
      }
      String provider = text(routing.provider(), "id");
      if (COMMERCE.contains(category)) {
        return owned("reseller-commerce", PARTNER, provider, "", COMMERCE_NEXT);
      }
      return isAzure
          ? owned("reseller-azure", PARTNER, provider, "", azureNext())
          : owned("reseller-other", PARTNER, provider, "", publisherNext());
    }
    if (COMMERCE.contains(category)) {
      return owned("partner-commerce", MICROSOFT, "", "", null);
    }
    if (category.equals(PUBLISHER_CONTACT)) {
      return owned("partner-publisher-contact", MICROSOFT, "", "cep", publisherNext());
    }
    if (isAzure) {
      String missing = azureMissing();
      if (missing != null) {
        return triage(missing);
      }
      return isAzureBased()
          ? owned("partner-azure-based", MICROSOFT, "", "e", publisherNext())
          : publishers("partner-not-azure-based", "e");
    }
    return publishers("partner-other", "p");
  }

  private Decision publishers(String rule, String contacts) {
    return routing.offer() == null ? triage("MISSING_OFFER") : owned(rule, PUBLISHER, offerPublisher(), contacts, null);
  }

  // ---- Rows 15 to 19.

  private Decision publisher() {
    if (COMMERCE.contains(category)) {
      return owned("publisher-commerce", MICROSOFT, "", "", null);
    }
    if (AZURE.contains(category)) {
      String missing = azureMissing();
      if (missing != null) {
        return triage(missing);
      }
      return isAzureBased()
          ? owned("publisher-azure-based", MICROSOFT, "", "", null)
          : owned("publisher-not-azure-based", PUBLISHER, routing.requesterId(), "", null);
    }
    if (category.equals(USER_SUPPORT) || category.equals(BREAK_FIX) || category.equals(ENABLEMENT)) {
      return owned("publisher-own-support", PUBLISHER, routing.requesterId(), "", null);
    }
    return triage("NO_RULE");
  }

  // ---- What the catalog says.

  private static boolean isReseller(JsonNode partner) {
    return text(partner, "model").equals(RESELLER);
  }

  private String providerMissing() {
    if (routing.providerId() == null) {
      return "MISSING_PROVIDER";
    }
    if (routing.provider() == null) {
      return "UNKNOWN_PROVIDER";
    }
    return text(routing.provider(), "model").equals("MODEL_INDIRECT_PROVIDER") ? null : "INVALID_PROVIDER";
  }

  private String azureMissing() {
    if (routing.offer() == null) {
      return "MISSING_OFFER";
    }
    return routing.offer().has("azureBased") ? null : "INCOMPLETE_OFFER";
  }

  private boolean isAzureBased() {
    return routing.offer().path("azureBased").asBoolean();
  }

  private String offerPublisher() {
    return text(routing.offer(), "publisherId");
  }

  private Party publisherNext() {
    return routing.offer() == null ? null : new Party(PUBLISHER, offerPublisher());
  }

  private Party azureNext() {
    if (azureMissing() != null) {
      return null;
    }
    return isAzureBased() ? COMMERCE_NEXT : publisherNext();
  }

  // ---- What comes out.

  private Decision owned(String rule, String owner, String assignee, String wanted, Party next) {
    Text text = TEXTS.get(rule);
    return new Decision(
        owner, assignee, rule, text.reason(), List.of(text.clauses()), contacts(wanted), next, "", decisionId());
  }

  private Decision triage(String reason) {
    String sentence = "A person must decide: " + reason.toLowerCase().replace('_', ' ') + ".";
    return new Decision("", "", "", sentence, List.of(), List.of(), null, "TRIAGE_REASON_" + reason, decisionId());
  }

  /** Where a wanted one is missing, customer support stands in; where that is missing too, the publisher's own address. */
  private List<Contact> contacts(String wanted) {
    JsonNode named = routing.offer() == null ? null : routing.offer().path("contacts");
    List<Contact> contacts = new ArrayList<>(wanted.length());
    for (char kind : wanted.toCharArray()) {
      Contact contact =
          switch (kind) {
            case 'e' -> new Contact("CONTACT_KIND_ENGINEERING", text(named, "engineering"));
            case 'p' -> new Contact("CONTACT_KIND_CSP_PROGRAM", text(named, "cspProgram"));
            default -> new Contact("CONTACT_KIND_CUSTOMER_SUPPORT", text(named, "customerSupport"));
          };
      if (contact.address().isEmpty()) {
        contact = new Contact("CONTACT_KIND_CUSTOMER_SUPPORT", text(named, "customerSupport"));
      }
      if (contact.address().isEmpty()) {
        contact = new Contact("CONTACT_KIND_PUBLISHER_SUPPORT", text(routing.publisher(), "supportUri"));
      }
      if (!contact.address().isEmpty() && !contacts.contains(contact)) {
        contacts.add(contact);
      }
    }
    return contacts;
  }

  /** As long as the router's, and cheaper: a checksum that the processor computes by itself. */
  private String decisionId() {
    CRC32C digest = new CRC32C();
    digest.update(routing.bytes());
    return HexFormat.of().toHexDigits(digest.getValue()) + HexFormat.of().toHexDigits(~digest.getValue());
  }
}
